import { EINVAL } from "../../native-bindings/errno.ts";
import { O_DIRECTORY, O_PATH, open, tryRmdir, tryWriteExisting } from "../../native-bindings/files.ts";
import { sleepMilliseconds } from "../../native-bindings/sleep.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type CgroupRecord, isOptional } from "./record.ts";

const TRIES = 5;
const WAIT_MS = 30;

/**
 * The cgroup2 directory as a descriptor for clone3(2) with CLONE_INTO_CGROUP, which the caller closes: the process is born
 * there. On v2 that is all; on hybrid {@link selfPlacement} does the rest, and a clone3 that fails with EBUSY or EOPNOTSUPP
 * (a cgroup2 with controllers of its own) is repeated without. Undefined when there is no such directory.
 */
export function openForClone(record: CgroupRecord): number | undefined {
  const directory = record.paths[""];
  return directory === undefined ? undefined : open(directory, O_PATH | O_DIRECTORY);
}

/** A file into which a process writes "0" to be in that cgroup from then on. */
export interface SelfPlacement {
  readonly file: string;
  /** A refusal is no error: the hierarchy has no limits. */
  readonly optional: boolean;
}

/**
 * How a process of one thread moves itself into the v1 hierarchies, the fast way.
 *
 * Moving another process, or a whole one (cgroup.procs), takes a lock that waits for every processor (an RCU grace period):
 * 10 to 20 ms on a quiet machine. A thread that moves itself, by "0" in `tasks`, does not take it since Linux 5.11, and takes
 * 0.02 ms. It must be root still, see the host's /sys, and enter its cgroup namespace afterwards (that roots where one is).
 */
export function selfPlacement(
  record: Pick<CgroupRecord, "mode"> & { readonly paths: Readonly<Record<string, string>> },
): SelfPlacement[] {
  const files: SelfPlacement[] = [];
  if (record.mode === "v2") return files;
  const done: string[] = [];
  for (const key in record.paths) {
    const directory = record.paths[key]!;
    if (key === "" || done.includes(directory)) continue;
    done.push(directory);
    files.push({ file: `${directory}/tasks`, optional: isOptional(key) });
  }
  return files;
}

/**
 * Moves another process into the container's cgroup, in every hierarchy. Its later children are born there. Where the
 * process can do it itself, {@link openForClone} and {@link selfPlacement} are much faster.
 *
 * A hierarchy without limits that does not take it is left, and taken out of the record: so place before the record is
 * saved.
 *
 * @throws RuntimeFault
 */
export function placeProcess(record: CgroupRecord, pid: number): void {
  const value = `${pid}`;
  const done: string[] = [];
  for (const key of Object.keys(record.paths)) {
    const directory = record.paths[key]!;
    if (done.includes(directory)) continue;
    done.push(directory);
    const result = write(`${directory}/cgroup.procs`, value);
    if (result === 0) continue;
    if (record.mode !== "v2" && isOptional(key)) {
      tryRmdir(directory);
      delete record.paths[key];
      continue;
    }
    throw new RuntimeFault({
      what: `unable to apply cgroup configuration: failed to write ${pid}`,
      where: `${directory}/cgroup.procs`,
      errno: -result,
    });
  }
}

/** EINVAL: a process that is still becoming one can't be moved yet. */
function write(file: string, pid: string): number {
  let result = tryWriteExisting(file, pid);
  for (let tries = 1; result === -EINVAL && tries < TRIES; tries++) {
    sleepMilliseconds(WAIT_MS);
    result = tryWriteExisting(file, pid);
  }
  return result;
}
