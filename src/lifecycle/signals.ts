import { RuntimeFault } from "../report/fault.ts";

/** Signals 1 to 31 by number, signal(7); the same on x86_64 and aarch64. */
const names = (
  " HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU " +
  "XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ");

export const SIGKILL = 9;

/** The largest signal number that the kernel knows, SIGRTMAX. */
const SIGRTMAX = 64;

/**
 * The number of a signal given as a name ("TERM", "SIGTERM", any case) or as a number. 0 only asks whether it could be sent.
 *
 * @throws RuntimeFault `unknown signal "X"` for a name, "invalid argument" for a number that is no signal.
 */
export function parseSignal(text: string): number {
  if (isInteger(text)) {
    const number = Number(text);
    if (number >= 0 && number <= SIGRTMAX) return number;
    throw new RuntimeFault({
      what: "unable to signal init: invalid argument",
      value: text,
      hint: `signals are numbered 1 to ${SIGRTMAX}`,
    });
  }
  const upper = text.toUpperCase();
  const number = names.indexOf(upper.startsWith("SIG") ? upper.slice(3) : upper, 1);
  if (number < 1) throw new RuntimeFault({ what: `unknown signal ${JSON.stringify(text.slice(0, 100))}` });
  return number;
}

function isInteger(text: string): boolean {
  const start = text[0] === "-" || text[0] === "+" ? 1 : 0;
  if (text.length === start) return false;
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/**
 * True for the signals that end runc's own init while it waits for `start`. Ours has default dispositions, and the kernel
 * shields the first process of a pid namespace from signals that it has no handler for (pid_namespaces(7)), so `kill` must
 * see to it that callers find what they are used to: HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV TERM STKFLT SYS.
 */
export function endsWaitingInit(signal: number): boolean {
  return (signal >= 1 && signal <= 8) || signal === 11 || signal === 15 || signal === 16 || signal === 31;
}
