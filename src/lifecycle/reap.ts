import { WALL } from "../../native-bindings/constants.ts";
import { addressOf, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

/** wait4(2) for one child of ours, whichever thread made it. Returns its wait status, 0 if there is none. */
export function reap(pid: number): number {
  if (pid === 0) return 0;
  const status = new Int32Array(1);
  syscallRetry(SYS.wait4, pid, addressOf(status), WALL, 0);
  return status[0]!;
}
