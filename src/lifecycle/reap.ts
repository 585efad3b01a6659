import { WALL } from "../../native-bindings/constants.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

/** wait4(2) for one child of ours, whichever thread made it. Returns its wait status, 0 if there is none. */
export function reap(pid: number): number {
  if (pid === 0) return 0;
  const status = new Int32Array(1);
  syscallRetry(SYS.wait4, pid, addressOf(status), WALL, 0);
  return status[0]!;
}

const SIGKILL = 9;

/** The end of a child that has not been reaped: so the pid is still its own. 0 is nobody. */
export function killAndReap(pid: number): void {
  if (pid === 0) return;
  syscall(SYS.kill, pid, SIGKILL);
  reap(pid);
}
