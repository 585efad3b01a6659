import { AT_FDCWD, readTextIfThere } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

/** What the kernel lists in /sys/kernel/cgroup/delegate, where it has that: cgroups(7). */
const DELEGATED = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];

/**
 * Gives a cgroup2 directory to a user, who may make cgroups below it then. Its limits stay whose they are.
 *
 * @param owner a host uid.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cgroup-ownership
 */
export function handCgroupOver(directory: string, owner: number): void {
  const listed = readTextIfThere("/sys/kernel/cgroup/delegate")?.trim().split("\n") ?? DELEGATED;
  for (const file of ["", ...listed]) {
    // Some of the files are there only with their controller; and who may not give it away leaves it as it is.
    syscall(SYS.fchownat, AT_FDCWD, cstring(`${directory}/${file}`), owner, -1, 0);
  }
}
