import { EINTR } from "./errno.ts";
import { addressOf, syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

export const POLLPRI = 2;

/** One descriptor to wait for. `events` of 0 waits for errors and hang-ups only, which are always told. */
export interface PollRequest {
  readonly fd: number;
  readonly events: number;
}

/**
 * Waits until something happens on one of the descriptors, or the time is over, or a signal comes.
 *
 * @returns what happened on each (POLL* bits), in the order of the requests; all 0 when nothing did.
 * @see ppoll(2)
 */
export function poll(requests: readonly PollRequest[], timeoutMs: number): number[] {
  // struct pollfd: fd, then events and revents of 16 bits each.
  const pollfds = new Int32Array(requests.length * 2);
  requests.forEach(({ fd, events }, index) => {
    pollfds[2 * index] = fd;
    pollfds[2 * index + 1] = events;
  });
  const nanoseconds = BigInt(Math.max(0, Math.ceil(timeoutMs * 1e6)));
  const timeout = new BigInt64Array([nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n]);
  const result = syscall(SYS.ppoll, addressOf(pollfds), requests.length, addressOf(timeout), 0, 8);
  if (result === -EINTR) return requests.map(() => 0);
  if (result < 0) throw new SystemError("ppoll", `${requests.length} descriptors`, -result);
  return requests.map((_, index) => pollfds[2 * index + 1]! >>> 16);
}
