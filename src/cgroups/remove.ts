import { EBUSY, ENOENT } from "../../native-bindings/errno.ts";
import { tryRmdir } from "../../native-bindings/files.ts";
import { sleepMilliseconds } from "../../native-bindings/sleep.ts";
import { RuntimeFault } from "../report/fault.ts";
import { isFrozen, thaw } from "./freezer.ts";
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
  if (record.unit !== undefined)
    (require("./systemd/tend-unit.ts") as typeof import("./systemd/tend-unit.ts")).stopUnit(record);
  const directories = directoriesOf(record);
  const left: string[] = [];
  for (const directory of directories) {
    const result = tryRmdir(directory);
    if (result < 0 && result !== -ENOENT) left.push(directory);
  }
  if (left.length > 0) removeBusy(record, left);
  // From the innermost on. Parents that others put to use meanwhile are not empty, and stay.
  for (let index = record.made.length - 1; index >= 0; index--) {
    if (!directories.includes(record.made[index]!)) tryRmdir(record.made[index]!);
  }
}

function removeBusy(record: CgroupRecord, directories: readonly string[]): void {
  // From a wrong path, empty cgroups of others must not be swept away: what the runtime itself is in stays.
  if (directories.some(holdsRuntime)) throw refused(record, directories, EBUSY);
  // An exec's process that came in when the container was frozen has to run, to find that there is nothing to join any more.
  if (isFrozen(record)) thaw(record);
  let left = directories;
  let errno = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) sleepMilliseconds(2 ** (tries - 1));
    left = left.filter((directory) => {
      const result = sweep(directory);
      if (result === 0 || result === -ENOENT) return false;
      errno = -result;
      return true;
    });
    if (left.length === 0) return;
  }
  throw refused(record, left, errno);
}

/** Children first. @returns what rmdir(2) said: EBUSY for processes and for children alike. */
function sweep(directory: string): number {
  for (const child of childCgroups(directory) ?? []) sweep(child);
  return tryRmdir(directory);
}

function refused(record: CgroupRecord, left: readonly string[], errno: number): RuntimeFault {
  const named = Object.entries(record.paths).filter(([, directory]) => left.includes(directory));
  const map = named.map(([key, directory]) => `${key}:${directory}`).join(" ");
  return new RuntimeFault({
    what: `unable to remove container's cgroup: Failed to remove paths: map[${map}]`,
    errno,
    hint: "processes that could not be killed are in it",
  });
}
