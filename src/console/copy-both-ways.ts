import { POLLIN } from "../../native-bindings/constants.ts";
import { EAGAIN, EIO } from "../../native-bindings/errno.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

const POLLOUT = 4;
/** What a blocking pipe or terminal takes without blocking once it is writable: PIPE_BUF, pipe(7). */
const CHUNK_BYTES = 4096;
/** How often a terminal that every program has closed is looked at again: the kernel does not tell when it is opened. */
const CLOSED_LOOK_NS = 100_000_000;

/** One way, with what was read and not written yet: from..to of the buffer. */
class Way {
  readonly bytes = new Uint8Array(CHUNK_BYTES);
  readonly source: number;
  readonly target: number;
  from = 0;
  to = 0;

  constructor(source: number, target: number) {
    this.source = source;
    this.target = target;
  }

  /** @returns what read(2) returned: how many bytes, 0 at the end, a negative errno. */
  read(): number {
    const count = syscallRetry(SYS.read, this.source, addressOf(this.bytes), CHUNK_BYTES);
    this.from = 0;
    this.to = Math.max(0, count);
    return count;
  }

  /** Whoever does not want what is left (EPIPE, EIO) does not get it. */
  write(): void {
    const taken = syscallRetry(SYS.write, this.target, addressOf(this.bytes) + this.from, this.to - this.from);
    if (taken > 0) this.from += taken;
    else if (taken !== -EAGAIN) this.from = this.to;
  }
}

// Entries of the poll set; what is watched follows.
const MASTER = 0;
const INPUT = 1;
const OUTPUT = 2;
const WATCHED = 3;

/**
 * Copies from standard input to a pseudo-terminal and from it to standard output. Each way reads only when what it has read before is
 * written: whoever is slow slows down its other end, and nobody else.
 *
 * @param master not blocking.
 * @param watched descriptors that wake it up when they become readable, the last time when everything has ended.
 * @param look called at every wake-up. What it returns is returned as soon as all that was written is shown.
 */
export function copyBothWays(master: number, watched: readonly number[], look: () => number | undefined): number {
  const typed = new Way(0, master);
  const shown = new Way(master, 1);
  const pollfds = new Int32Array(2 * (WATCHED + watched.length));
  for (const [i, fd] of watched.entries()) {
    pollfds[2 * (WATCHED + i)] = fd;
    pollfds[2 * (WATCHED + i) + 1] = POLLIN;
  }
  const limit = new BigInt64Array(2);
  let inputOpen = true;
  let closed = false;
  for (;;) {
    const [toType, toShow] = [typed.from < typed.to, shown.from < shown.to];
    awaits(pollfds, MASTER, closed ? -1 : master, (toShow ? 0 : POLLIN) | (toType ? POLLOUT : 0));
    awaits(pollfds, INPUT, inputOpen && !toType ? typed.source : -1, POLLIN);
    awaits(pollfds, OUTPUT, toShow ? shown.target : -1, POLLOUT);
    limit[1] = BigInt(CLOSED_LOOK_NS);
    syscall(SYS.ppoll, addressOf(pollfds), WATCHED + watched.length, closed ? addressOf(limit) : 0, 0, 8);
    const status = look();
    if (cameUp(pollfds, INPUT)) inputOpen = typed.read() > 0;
    if (typed.from < typed.to) typed.write();
    if (status !== undefined) return drained(shown, status);
    if (cameUp(pollfds, OUTPUT)) shown.write();
    if (shown.from === shown.to) closed = shown.read() === -EIO;
  }
}

function awaits(pollfds: Int32Array, entry: number, fd: number, events: number): void {
  pollfds[2 * entry] = fd;
  pollfds[2 * entry + 1] = events;
}

/** True when the last ppoll(2) had something to tell: revents are the upper half of the second word. */
function cameUp(pollfds: Int32Array, entry: number): boolean {
  return pollfds[2 * entry + 1]! >> 16 !== 0;
}

/** Shows what was written to a pseudo-terminal whose container has come to nothing. */
export function showWritten(master: number): void {
  drained(new Way(master, 1), 0);
}

/** Nothing more comes once everything has ended and a read has found nothing: EAGAIN, EIO. */
function drained(shown: Way, status: number): number {
  const output = new Int32Array([shown.target, POLLOUT]);
  do {
    while (shown.from < shown.to) {
      shown.write();
      if (shown.from < shown.to) syscall(SYS.ppoll, addressOf(output), 1);
    }
  } while (shown.read() > 0);
  return status;
}
