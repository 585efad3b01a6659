/** The terminal of a container in the foreground: what is typed goes in, what is written comes out. */
import { POLLIN } from "../../native-bindings/constants.ts";
import { EAGAIN } from "../../native-bindings/errno.ts";
import { O_NONBLOCK } from "../../native-bindings/files.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { applySettings, clearNewlineTranslation, copyWindowSize, rawMode, terminalSettings } from "./terminal.ts";

const CHUNK_BYTES = 65536;
/** Between two looks at the signals that have come, which the engine delivers from its event loop. */
const POLL_MS = 50;
const POLLOUT = 4;
const POLLHUP = 0x10;
const POLLERR = 8;

/**
 * Copies between this process's terminal and the container's until the container's program has ended and everything that it
 * wrote is shown. The outer terminal is raw meanwhile, and as it was afterwards, however this ends.
 *
 * @param master the container's pseudo-terminal; closed by the end of this process.
 * @param exitStatus undefined while the container runs.
 */
export async function relayTerminal(master: number, exitStatus: () => number | undefined): Promise<number> {
  const outer = [2, 1, 0].find((fd) => terminalSettings(fd) !== undefined);
  const before = outer === undefined ? undefined : terminalSettings(outer);
  const restore = () => {
    if (outer !== undefined && before !== undefined) applySettings(outer, before);
  };
  const resize = () => {
    if (outer !== undefined) copyWindowSize(outer, master);
  };
  clearNewlineTranslation(master);
  setNonBlocking(master);
  try {
    if (outer !== undefined && before !== undefined) {
      process.on("exit", restore);
      applySettings(outer, rawMode(before));
      resize();
      process.on("SIGWINCH", resize);
    }
    return await copyBothWays(master, exitStatus);
  } finally {
    restore();
  }
}

function setNonBlocking(fd: number): void {
  const F_GETFL = 3;
  const F_SETFL = 4;
  syscall(SYS.fcntl, fd, F_SETFL, syscall(SYS.fcntl, fd, F_GETFL) | O_NONBLOCK);
}

async function copyBothWays(master: number, exitStatus: () => number | undefined): Promise<number> {
  const typed = new Uint8Array(CHUNK_BYTES);
  const shown = new Uint8Array(CHUNK_BYTES);
  const typedAt = addressOf(typed);
  const shownAt = addressOf(shown);
  const pollfds = new Int32Array(4);
  const limit = new BigInt64Array(2);
  /** What was typed and the container has not taken yet: from..to of `typed`. */
  let from = 0;
  let to = 0;
  let stdinOpen = true;
  let status: number | undefined;
  for (;;) {
    pollfds[0] = master;
    pollfds[1] = POLLIN | (from < to ? POLLOUT : 0);
    pollfds[2] = stdinOpen && from === to ? 0 : -1;
    pollfds[3] = POLLIN;
    limit[0] = 0n;
    limit[1] = BigInt(status === undefined ? POLL_MS * 1_000_000 : 0);
    syscall(SYS.ppoll, addressOf(pollfds), 2, addressOf(limit), 0, 8);
    if (pollfds[2] === 0 && pollfds[3]! >> 16 !== 0) {
      to = Math.max(0, syscallRetry(SYS.read, 0, typedAt, CHUNK_BYTES));
      from = 0;
      if (to === 0) stdinOpen = false;
    }
    if (from < to) {
      const taken = syscallRetry(SYS.write, master, typedAt + from, to - from);
      if (taken > 0) from += taken;
      else if (taken !== -EAGAIN) from = to;
    }
    const events = pollfds[1]! >> 16;
    let count = 0;
    if ((events & (POLLIN | POLLHUP | POLLERR)) !== 0) {
      count = syscallRetry(SYS.read, master, shownAt, CHUNK_BYTES);
      if (count > 0) writeShown(shownAt, count);
    }
    // Drained: nothing more comes once the program has ended and a read has found nothing.
    if (status !== undefined && count <= 0) return status;
    status ??= exitStatus();
    // Signals (a resized window, a forwarded SIGTERM) are the event loop's.
    await new Promise((resolve) => setImmediate(resolve));
    // Every program has closed the terminal, but init still runs: no busy loop.
    if (status === undefined && count < 0 && (events & POLLHUP) !== 0) await Bun.sleep(POLL_MS);
  }
}

function writeShown(address: number, count: number): void {
  for (let done = 0; done < count; ) {
    const written = syscallRetry(SYS.write, 1, address + done, count - done);
    if (written === -EAGAIN) continue;
    if (written < 0) return;
    done += written;
  }
}
