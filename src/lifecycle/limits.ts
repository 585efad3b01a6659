/** Resource limits that the container's process starts with. prlimit(2). */
import { RLIMITS } from "../../native-bindings/constants.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { POSIXRlimit } from "../bundle/config.ts";
import { rlimitBytes } from "../plan/steps/rlimits.ts";
import { RuntimeFault } from "../report/fault.ts";

const RLIMIT_NOFILE = 7;

/**
 * Sets process.rlimits on init, which is ready and will need no more descriptors.
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
      hint: result === -1 ? "raising a hard limit needs CAP_SYS_RESOURCE" : undefined,
    });
  }
}

/**
 * Gives init the caller's soft limit of open files. The engine raises its own to the hard limit before any TypeScript runs,
 * and what it was is gone; the caller's own is the best witness.
 */
export function restoreOpenFilesLimit(pid: number): void {
  const own = new Uint32Array(4);
  const callers = new Uint32Array(4);
  if (syscall(SYS.prlimit64, 0, RLIMIT_NOFILE, 0, addressOf(own)) < 0) return;
  // Without privilege another user's limits can't be read: then the raised limit stays, which is only more than was given.
  if (syscall(SYS.prlimit64, syscall(SYS.getppid), RLIMIT_NOFILE, 0, addressOf(callers)) < 0) return;
  const lower = callers[1]! < own[1]! || (callers[1] === own[1] && callers[0]! < own[0]!);
  if (!lower) return;
  own[0] = callers[0]!;
  own[1] = callers[1]!;
  syscall(SYS.prlimit64, pid, RLIMIT_NOFILE, addressOf(own), 0);
}
