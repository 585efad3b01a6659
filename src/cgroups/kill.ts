import { ENODEV, ENOENT, EOPNOTSUPP, ESRCH } from "../../native-bindings/errno.ts";
import { tryWriteExisting, writeError } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { RuntimeFault } from "../report/fault.ts";
import { freeze, isFrozen, thaw } from "./freezer.ts";
import { holdsRuntime, treePids } from "./processes.ts";
import type { CgroupRecord } from "./record.ts";

const SIGKILL = 9;

/**
 * Kills every process of the container, also those that it forks meanwhile. They may end a little later.
 *
 * By cgroup.kill (Linux 5.14); without it the cgroup is frozen first, because a process that forks faster than it is
 * listed would get away.
 *
 * @throws RuntimeFault when this very process is in the cgroup: then it is the hierarchy's root, or the caller's own.
 */
export function killAll(record: CgroupRecord): void {
  const unified = record.paths[""];
  if (unified !== undefined) {
    refuseOwn(unified);
    const result = tryWriteExisting(`${unified}/cgroup.kill`, "1");
    if (result === 0) {
      // Frozen on cgroup v1, they see their SIGKILL when they are thawed. cgroup2 sees to that by itself.
      if (record.mode !== "v2" && isFrozen(record)) thaw(record);
      return;
    }
    // A threaded cgroup has the file, and no use for it.
    if (result !== -ENOENT && result !== -EOPNOTSUPP && result !== -ENODEV)
      throw writeError(`${unified}/cgroup.kill`, "1", result);
  }
  // What is frozen and what is listed must be the same directory.
  const directory = record.mode === "v2" ? unified : (record.paths.freezer ?? record.paths.devices);
  if (directory === undefined) return;
  refuseOwn(directory);
  // A cgroup without processes has nothing to freeze, and freezing one whose last process is exiting can hang.
  if (treePids(directory).length === 0) return;
  const canFreeze = record.mode === "v2" || record.paths.freezer !== undefined;
  if (canFreeze) freeze(record);
  try {
    for (const pid of treePids(directory)) {
      if (pid <= 0) continue;
      const result = syscall(SYS.kill, pid, SIGKILL);
      if (result < 0 && result !== -ESRCH) throw new SystemError("kill", `${pid}, SIGKILL`, -result);
    }
  } finally {
    if (canFreeze) thaw(record);
  }
}

function refuseOwn(directory: string): void {
  if (!holdsRuntime(directory)) return;
  throw new RuntimeFault({
    what: "unable to kill all processes: the runtime itself is in this cgroup",
    where: directory,
    hint: "it is the root of the hierarchy or the caller's own cgroup, not a container's",
  });
}
