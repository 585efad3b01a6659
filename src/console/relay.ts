/** The terminal of a container in the foreground: what is typed goes in, what is written comes out. */

import { close, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR, tryOpen } from "../../native-bindings/files.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { signalsAsEvents } from "../../native-bindings/signal-handlers.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { copyBothWays } from "./copy-both-ways.ts";
import { applySettings, clearNewlineTranslation, copyWindowSize, rawMode, terminalSettings } from "./terminal.ts";

const SIGCHLD = 17;
const SIGCONT = 18;
const SIGWINCH = 28;

const RECEIVE_LIMIT_MS = 10_000;

/**
 * Takes the master of the container's terminal off the socket that init has sent it through, and closes that. To be called before the
 * container's program runs: it finds the size of the caller's window, and line ends are the caller's terminal's to make.
 *
 * @throws SystemError when none comes.
 */
export function receiveTerminal(socket: number): number {
  const { fds } = receiveWithDescriptors(socket, 4096, RECEIVE_LIMIT_MS);
  close(socket);
  const master = fds[0]!;
  clearNewlineTranslation(master);
  setNonBlocking(master);
  const outer = outerTerminal();
  if (outer !== undefined) copyWindowSize(outer, master);
  return master;
}

/**
 * Copies between this process's terminal and the container's until the container's process has ended and everything that was
 * written is shown. The terminal that is typed at is raw meanwhile, and as it was afterwards, however this ends. When standard input is
 * none, it stays as it is: what is typed isn't read, so that Ctrl-C is still the caller's shell's to make a signal of.
 *
 * @param master as {@link receiveTerminal} gave it; closed by the end of this process.
 * @param pidfd of the container's process.
 * @param also one more descriptor that is to wake it up.
 * @param exitStatus called at every wake-up; undefined while the container runs.
 * @returns what `exitStatus` has returned.
 */
export function relayTerminal(
  master: number,
  pidfd: number,
  also: number | undefined,
  exitStatus: () => number | undefined,
): number {
  const outer = outerTerminal();
  const before = terminalSettings(0);
  const children = signalsAsEvents([SIGCHLD]);
  const resized = signalsAsEvents([SIGWINCH]);
  const continued = signalsAsEvents([SIGCONT]);
  const show = (raw: boolean) => {
    if (raw && before !== undefined) applySettings(0, rawMode(before));
    if (outer !== undefined) copyWindowSize(outer, master);
  };
  const look = () => {
    if (happened(resized)) show(false);
    // Whoever had stopped this process, a shell, has made the terminal its own meanwhile.
    if (happened(continued)) {
      show(true);
      syscall(SYS.pidfd_send_signal, pidfd, SIGCONT, 0, 0);
    }
    happened(children);
    return exitStatus();
  };
  try {
    show(true);
    return copyBothWays(master, [pidfd, children, resized, continued, also ?? -1], look);
  } finally {
    if (before !== undefined) applySettings(0, before);
  }
}

/** The terminal whose window it is, by any of the standard streams, else the controlling one: all three may lead elsewhere. */
function outerTerminal(): number | undefined {
  for (let fd = 2; fd >= 0; fd--) if (terminalSettings(fd) !== undefined) return fd;
  const controlling = tryOpen("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return controlling < 0 ? undefined : controlling;
}

function setNonBlocking(fd: number): void {
  const F_GETFL = 3;
  const F_SETFL = 4;
  syscall(SYS.fcntl, fd, F_SETFL, syscall(SYS.fcntl, fd, F_GETFL) | O_NONBLOCK);
}

const eventCount = new BigUint64Array(1);

/** True when the signals of an event have come since it was asked last. */
function happened(event: number): boolean {
  return syscall(SYS.read, event, addressOf(eventCount), 8) > 0;
}
