import { EINVAL } from "../../native-bindings/errno.ts";
import { O_DIRECTORY, O_PATH, open, tryRmdir, tryWriteExisting } from "../../native-bindings/files.ts";
import { sleepMilliseconds } from "../../native-bindings/sleep.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type CgroupRecord, isOptional } from "./record.ts";

const TRIES = 5;
const WAIT_MS = 30;

/**
 * On v2, a descriptor of the cgroup for clone3(2) with CLONE_INTO_CGROUP, which the caller closes: the process is born
 * there. Undefined on v1 and hybrid, where {@link placeProcess} moves it, and for a container without a cgroup.
 */
export function openForClone(record: CgroupRecord): number | undefined {
  const directory = record.paths[""];
  if (record.mode !== "v2" || directory === undefined) return undefined;
  return open(directory, O_PATH | O_DIRECTORY);
}

/**
 * Moves a process into the container's cgroup, in every hierarchy. Its later children are born there.
 *
 * A hierarchy without limits that does not take it (a cgroup2 with controllers of its own, say) is left, and taken out of
 * the record: so place before the record is saved.
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
