import { ENODEV, ENOENT, EOPNOTSUPP } from "../../native-bindings/errno.ts";
import { readTextIfThere, tryReadDirectory } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { isErrno, SystemError } from "../../native-bindings/system-error.ts";
import type { CgroupRecord } from "./record.ts";

const DT_DIR = 4;

/**
 * The processes of a container, in its cgroup and those below, by their ids as this process sees them.
 *
 * @throws SystemError when the cgroup can't be read. A cgroup that is gone has no processes.
 */
export function pidsIn(record: CgroupRecord): number[] {
  // 0 stands for a process of another pid namespace, which has no id here; kill(0) would be our own group.
  return treePids(processDirectory(record)).filter((pid) => pid > 0);
}

/** How many processes are in the cgroup and those below, with those that have no id in our pid namespace. */
export function countProcesses(record: CgroupRecord): number {
  return treePids(processDirectory(record)).length;
}

/** Where the container's processes are looked up. On v1 any hierarchy would do; runc takes devices, which is always there. */
function processDirectory(record: CgroupRecord): string | undefined {
  return record.mode === "v2" ? record.paths[""] : record.paths.devices;
}

/** All ids in a directory's cgroup.procs and in those below it. */
export function treePids(directory: string | undefined): number[] {
  const found: number[] = [];
  if (directory !== undefined) collect(directory, found);
  return found;
}

function collect(directory: string, found: number[]): void {
  const children = childCgroups(directory);
  if (children === undefined) return;
  for (const line of ids(directory).split("\n")) if (line !== "") found.push(Number(line));
  for (const child of children) collect(child, found);
}

/** The cgroups right below one; undefined when it is gone. */
export function childCgroups(directory: string): string[] | undefined {
  const entries = tryReadDirectory(directory);
  if (entries === -ENOENT) return undefined;
  if (typeof entries === "number") throw new SystemError("open", JSON.stringify(directory), -entries);
  const children: string[] = [];
  for (const entry of entries) if (entry.type === DT_DIR) children.push(`${directory}/${entry.name}`);
  return children;
}

function ids(directory: string): string {
  try {
    return readTextIfThere(`${directory}/cgroup.procs`) ?? "";
  } catch (error) {
    if (isErrno(error, ENODEV)) return "";
    // A threaded cgroup lists threads only.
    if (isErrno(error, EOPNOTSUPP)) return readTextIfThere(`${directory}/cgroup.threads`) ?? "";
    throw error;
  }
}

/**
 * True when this process is in the cgroup or below it. So it is for the hierarchy's root, for the runtime's own cgroup and
 * for all above it: what a container's cgroup never is, and what must never be killed, frozen or taken apart.
 */
export function holdsRuntime(directory: string): boolean {
  return treePids(directory).includes(syscall(SYS.getpid));
}
