/**
 * Signals to an init that waits for start. It is the first process of its pid namespace and has no handlers, so the kernel would keep
 * them from it (pid_namespaces(7)); callers with a pidfd of a created container expect SIGTERM to end it, as it ends runc's init. A signal
 * that is blocked is kept, and can be read. signalfd(2)
 */
import { POLLIN } from "../../../native-bindings/constants.ts";
import { load } from "../../program/builder.ts";
import { sharedSpace } from "../shared-values.ts";
import type { Compilation } from "../step.ts";

/** HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV TERM STKFLT SYS, as `kill` has them (lifecycle/signals.ts). */
const ENDING = [1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16, 31];

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const SIGSET_BYTES = 8;
/** SFD_NONBLOCK | SFD_CLOEXEC */
const SFD_FLAGS = 0o2004000;
const SIGNALFD_SIGINFO_BYTES = 128;

function signalSet(c: Compilation): number {
  let set = 0;
  for (const signal of ENDING) set |= 1 << (signal - 1);
  return c.p.constantWords([set, 0]);
}

/** Before the runtime is told that init is there. */
export function emitHoldSignals(c: Compilation): void {
  const before = sharedSpace(c, "signals_before", SIGSET_BYTES);
  c.p.call(c.p.nr.rt_sigprocmask, SIG_BLOCK, signalSet(c), before, SIGSET_BYTES);
}

/** Waits until the FIFO can be read; a signal that comes first ends the process. */
export function emitAwaitFifo(c: Compilation, fifo: number): void {
  const { p } = c;
  const pollfds = p.dataWords([fifo, POLLIN, 0, POLLIN]);
  const signals = pollfds + 8;
  const info = p.space(SIGNALFD_SIGINFO_BYTES, 8);
  p.slotNames.set(signals, "signals");
  p.slotNames.set(info, "signal");
  const goOn = p.label();
  p.call(p.nr.signalfd4, -1, signalSet(c), SIGSET_BYTES, SFD_FLAGS).save(signals);
  p.call(p.nr.ppoll, pollfds, 2, 0, 0, SIGSET_BYTES);
  p.call(p.nr.read, load(signals), info, SIGNALFD_SIGINFO_BYTES).onError(goOn);
  // Its first word is the signal's number.
  p.call(p.nr.exit_group, load(info));
  p.place(goOn);
  p.call(p.nr.close, load(signals));
}

/** The container's program has its signals as they were. */
export function emitReleaseSignals(c: Compilation): void {
  const before = sharedSpace(c, "signals_before", SIGSET_BYTES);
  c.p.call(c.p.nr.rt_sigprocmask, SIG_SETMASK, before, 0, SIGSET_BYTES);
}
