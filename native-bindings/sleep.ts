import { EINTR } from "./errno.ts";
import { addressOf, syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** Blocks this thread for that many milliseconds, which may be a fraction. nanosleep(2) */
export function sleepMilliseconds(milliseconds: number): void {
  const nanoseconds = Math.round(milliseconds * 1e6);
  const time = new BigInt64Array([BigInt(Math.floor(nanoseconds / 1e9)), BigInt(nanoseconds % 1e9)]);
  const address = addressOf(time);
  // What is left is written where it was read from.
  while (syscall(SYS.nanosleep, address, address) === -EINTR);
}
