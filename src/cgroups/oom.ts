import { ENODEV } from "../../native-bindings/errno.ts";
import { readTextIfThere } from "../../native-bindings/files.ts";
import { isErrno } from "../../native-bindings/system-error.ts";
import type { CgroupRecord } from "./record.ts";

/** True when the kernel has killed a process of this container for want of memory. v1 counts since Linux 4.13. */
export function oomKilled(record: CgroupRecord): boolean {
  const directory = record.paths[record.mode === "v2" ? "" : "memory"];
  if (directory === undefined) return false;
  const file = record.mode === "v2" ? "memory.events" : "memory.oom_control";
  for (const line of counters(`${directory}/${file}`).split("\n")) {
    if (line.startsWith("oom_kill ")) return line !== "oom_kill 0";
  }
  return false;
}

/** "" when the cgroup is gone: systemd removes that of a unit whose last process has ended, perhaps between open(2) and read(2). */
function counters(path: string): string {
  try {
    return readTextIfThere(path) ?? "";
  } catch (error) {
    if (isErrno(error, ENODEV)) return "";
    throw error;
  }
}
