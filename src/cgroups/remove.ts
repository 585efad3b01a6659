import { EBUSY, ENOENT } from "../../native-bindings/errno.ts";
import { tryRmdir } from "../../native-bindings/files.ts";
import { sleepMilliseconds } from "../../native-bindings/sleep.ts";
import { RuntimeFault } from "../report/fault.ts";
import { unmakeCgroups } from "./make-directory.ts";
import { childCgroups, holdsRuntime } from "./processes.ts";
import { type CgroupRecord, directoriesOf } from "./record.ts";

/** 1 ms, doubled each time: a second in all. A process that was just killed leaves its cgroup when it is reaped. */
const TRIES = 10;

/**
 * Removes a container's cgroup, whatever the container made below it, and the empty parents that it was given.
 * What is gone already is fine, so it can be repeated.
 *
 * @throws RuntimeFault naming each directory that is left.
 */
export function removeCgroup(record: CgroupRecord): void {
  const directories = directoriesOf(record);
  let errno = 0;
  let left = directories.filter((directory) => {
    const result = tryRmdir(directory);
    if (result === 0 || result === -ENOENT) return false;
    errno = -result;
    return true;
  });
  // From a wrong path, empty cgroups of others must not be swept away: what the runtime itself is in stays.
  if (left.length > 0 && errno === EBUSY && !left.some(holdsRuntime)) {
    for (let tries = 0; left.length > 0 && tries < TRIES; tries++) {
      if (tries > 0) sleepMilliseconds(2 ** (tries - 1));
      left = left.filter((directory) => !swept(directory));
    }
  }
  if (left.length > 0) refused(record, left, errno);
  unmakeCgroups(record.made.filter((path) => !directories.includes(path)));
}

/** Children first. @returns false when something is still in it: rmdir(2) says EBUSY for processes and for children. */
function swept(directory: string): boolean {
  for (const child of childCgroups(directory) ?? []) swept(child);
  const result = tryRmdir(directory);
  return result === 0 || result === -ENOENT;
}

function refused(record: CgroupRecord, left: readonly string[], errno: number): never {
  const named = Object.entries(record.paths).filter(([, directory]) => left.includes(directory));
  const map = named.map(([key, directory]) => `${key}:${directory}`).join(" ");
  throw new RuntimeFault({
    what: `unable to remove container's cgroup: Failed to remove paths: map[${map}]`,
    errno,
    hint: "processes that could not be killed are in it",
  });
}
