/** Resource limits that the container's process starts with. prlimit(2). */
import { RLIMITS } from "../../native-bindings/constants.ts";
import { EPERM } from "../../native-bindings/errno.ts";
import { inheritedOpenFiles } from "../../native-bindings/inherited.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { POSIXRlimit } from "../bundle/config.ts";
import { rlimitBytes } from "../plan/steps/rlimits.ts";
import { RuntimeFault } from "../report/fault.ts";

const RLIMIT_NOFILE = 7;

/**
 * Sets limits on init, which is ready and will need no more descriptors: for a container in a user namespace, whose root may
 * not raise them.
 *
 * @throws RuntimeFault with the pointer of the limit.
 */
export function applyRlimits(pid: number, limits: readonly POSIXRlimit[]): void {
  for (let index = 0; index < limits.length; index++) {
    const { type, soft, hard } = limits[index]!;
    const value = rlimitBytes(soft, hard);
    const result = syscall(SYS.prlimit64, pid, RLIMITS.indexOf(type), addressOf(value), 0);
    if (result === 0) continue;
    throw new RuntimeFault({
      what: `error setting rlimit type ${RLIMITS.indexOf(type)}: ${type} ${soft}:${hard}`,
      where: `/process/rlimits/${index}`,
      errno: -result,
      hint: result === -EPERM ? "raising a hard limit needs CAP_SYS_RESOURCE" : undefined,
    });
  }
}

/**
 * The limit of open files that the caller had, which the container gets unless its config has one. The engine raises its own
 * soft limit to the hard one before any TypeScript runs. What it was is in the record of the executable's entry; run from the
 * sources, the calling process's is the best witness.
 *
 * @returns undefined where there is nothing to lower.
 */
export function callersOpenFiles(): POSIXRlimit | undefined {
  const own = openFiles(0);
  // Another user's limits can't be read without privilege: then the raised limit stays.
  const callers = inheritedOpenFiles() ?? openFiles(syscall(SYS.getppid));
  if (own === undefined || callers === undefined) return undefined;
  const raised = own[0]! + own[1]! * 2 ** 32;
  const hard = own[2]! + own[3]! * 2 ** 32;
  const soft = callers[0]! + callers[1]! * 2 ** 32;
  return soft < raised ? { type: "RLIMIT_NOFILE", soft, hard } : undefined;
}

/** Of a process, 0 for this one: struct rlimit64. */
function openFiles(pid: number): Uint32Array | undefined {
  const limits = new Uint32Array(4);
  return syscall(SYS.prlimit64, pid, RLIMIT_NOFILE, 0, addressOf(limits)) < 0 ? undefined : limits;
}
