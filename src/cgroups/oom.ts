import { readTextIfThere } from "../../native-bindings/files.ts";
import type { CgroupRecord } from "./record.ts";

/** True when the kernel has killed a process of this container for want of memory. v1 counts since Linux 4.13. */
export function oomKilled(record: CgroupRecord): boolean {
  const directory = record.paths[record.mode === "v2" ? "" : "memory"];
  if (directory === undefined) return false;
  const file = record.mode === "v2" ? "memory.events" : "memory.oom_control";
  for (const line of (readTextIfThere(`${directory}/${file}`) ?? "").split("\n")) {
    if (line.startsWith("oom_kill ")) return line !== "oom_kill 0";
  }
  return false;
}
