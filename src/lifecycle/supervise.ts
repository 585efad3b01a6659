/** Standing by a container's process that runs in the foreground: its signals, its terminal, its end. */
import { POLLIN, WALL, WNOHANG } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { forwardSignals, signalsAsEvents } from "../../native-bindings/signal-handlers.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

/**
 * HUP INT QUIT USR1 USR2 ALRM TERM STKFLT CONT TSTP TTIN TTOU XCPU VTALRM PROF IO. What is left out, beside KILL and STOP:
 *
 * - CHLD and WINCH, which are for this process;
 * - URG, as runc does;
 * - ILL TRAP ABRT BUS FPE SEGV SYS, by which the engine fails, and PWR, by which its garbage collector stops threads;
 * - PIPE and XFSZ, which would be of this process's own writes.
 */
const FORWARDED: readonly number[] = [1, 2, 3, 10, 12, 14, 15, 16, 18, 20, 21, 22, 24, 26, 27, 29];
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** With a terminal: reading or setting it in the background stops this process, as it does every other. */
const SIGTTIN = 21;
const SIGTTOU = 22;

const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIGSET_BYTES = 8;

/** A signal to this process waits, from now on until {@link releaseSignals}: it is for a process that is not there yet. */
export function holdSignals(): void {
  maskSignals(SIG_BLOCK);
}

/** Those that came meanwhile arrive now. */
export function releaseSignals(): void {
  maskSignals(SIG_UNBLOCK);
}

/** rt_sigprocmask(2) */
function maskSignals(how: number): void {
  const set = new Uint32Array(2);
  for (const signal of FORWARDED) set[0]! |= 1 << (signal - 1);
  for (let signal = SIGRTMIN; signal <= SIGRTMAX; signal++) set[1]! |= 1 << (signal - 33);
  syscall(SYS.rt_sigprocmask, how, addressOf(set), 0, SIGSET_BYTES);
}

/**
 * From now on signals to this process go to the container's process.
 *
 * @param pidfd of that process; stays open.
 * @param onTerminal this process shows the container's terminal on its own.
 */
export function forwardSignalsTo(pidfd: number, onTerminal: boolean): void {
  const signals: number[] = [];
  for (const signal of FORWARDED) if (!onTerminal || (signal !== SIGTTIN && signal !== SIGTTOU)) signals.push(signal);
  for (let signal = SIGRTMIN; signal <= SIGRTMAX; signal++) signals.push(signal);
  forwardSignals(signals, pidfd);
}

const SIGCHLD = 17;

/** Something else to look after meanwhile: `look` is called whenever the descriptor is readable. */
export interface Watched {
  readonly fd: number;
  look(): void;
}

export interface Supervised {
  /** A child of this process. */
  readonly pid: number;
  readonly pidfd: number;
  /** The master of the container's terminal, if this process shows it. */
  readonly console: number | undefined;
  readonly also?: Watched;
}

/**
 * Waits for a child's end, and reaps it and every orphan that comes to this process.
 *
 * @returns the exit status as a shell would give it.
 */
export function supervise({ pid, pidfd, console, also }: Supervised): number {
  const look = () => {
    also?.look();
    return reapAll(pid);
  };
  if (console !== undefined) {
    const { relayTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    return relayTerminal(console, pidfd, also?.fd, look);
  }
  const children = signalsAsEvents([SIGCHLD]);
  const count = new BigUint64Array(1);
  const pollfds = new Int32Array([pidfd, POLLIN, children, POLLIN, also?.fd ?? -1, POLLIN]);
  for (;;) {
    const status = look();
    if (status !== undefined) {
      close(children);
      return status;
    }
    syscall(SYS.ppoll, addressOf(pollfds), 3);
    syscall(SYS.read, children, addressOf(count), 8);
  }
}

/** Reaps whoever has ended. @returns the child's exit status (128 + signal), or undefined while it runs. */
function reapAll(child: number): number | undefined {
  const words = new Int32Array(1);
  let result: number | undefined;
  for (;;) {
    const pid = syscall(SYS.wait4, -1, addressOf(words), WNOHANG | WALL, 0);
    if (pid <= 0) return result;
    if (pid !== child) continue;
    const signal = words[0]! & 127;
    result = signal === 0 ? (words[0]! >> 8) & 255 : 128 + signal;
  }
}
