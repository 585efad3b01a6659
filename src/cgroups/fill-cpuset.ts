import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ResourceWrite } from "./resource-write.ts";

/**
 * Gives a v1 cpuset the processors and memory nodes of its parent: a new one has none, and takes no process before it has.
 * Parents that have none are filled first. What config.json sets itself is left to that.
 *
 * @param isNew a new one is known to be empty, and is not read.
 * @see cpuset(7)
 */
export function fillCpuset(directory: string, isNew: boolean, writes: readonly ResourceWrite[]): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (!isNew && setting(directory, file) !== "") continue;
    const above = filled(parentOf(directory), file);
    if (!isGiven(file, writes)) write(directory, file, above);
  }
}

function isGiven(file: string, writes: readonly ResourceWrite[]): boolean {
  for (const write of writes) if (write.file === file) return true;
  return false;
}

/** The value of a cpuset that has one, or gets one now. The hierarchy's root always has. */
function filled(directory: string, file: string): string {
  const own = setting(directory, file);
  if (own !== "") return own;
  const above = filled(parentOf(directory), file);
  write(directory, file, above);
  return above;
}

function setting(directory: string, file: string): string {
  const content = readTextIfThere(`${directory}/${file}`);
  if (content === undefined) {
    throw new RuntimeFault({ what: "the cpuset hierarchy has no such file", where: `${directory}/${file}` });
  }
  return content.trim();
}

function parentOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf("/"));
}

function write(directory: string, file: string, value: string): void {
  const result = tryWriteExisting(`${directory}/${file}`, value);
  if (result < 0) {
    throw new RuntimeFault({
      what: `unable to apply cgroup configuration: failed to write "${value}"`,
      where: `${directory}/${file}`,
      errno: -result,
    });
  }
}
