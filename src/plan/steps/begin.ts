import { PR_SET_PDEATHSIG } from "../../../native-bindings/constants.ts";
import { O_CLOEXEC } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import type { Compilation, Step, StepKind } from "../step.ts";

const SIGKILL = 9;

/** The first thing in the fresh process: nothing inherited but what was given, and no outliving the runtime. */
export interface Begin extends Step {
  readonly kind: "begin";
  /** The caller's umask is the program's, unless a later step says otherwise. */
  readonly keepsUmask?: boolean;
}

const SIG_SETMASK = 2;
const SIGSTOP = 19;
const LAST_SIGNAL = 64;
/** What rt_sig* calls want: bytes in a kernel signal set. */
const SIGSET_BYTES = 8;

export const begin: StepKind<Begin> = {
  kind: "begin",
  emit(c, { keepsUmask }) {
    const { p } = c;
    const { nr } = p;
    // The runtime saw to it that no source is a target.
    for (let i = 0; i < c.sources.length; i++) p.call(nr.dup3, load(c.sources[i]!), c.firstOwn + i, O_CLOEXEC);
    p.call(nr.close_range, c.firstOwn + c.sources.length, -1, 0);
    // The engine ignores SIGPIPE and SIGXFSZ, glibc's posix_spawn 32 and 33, the caller perhaps others: over execve that
    // stays. struct sigaction of zeros: the default.
    const none = p.constant(new Uint8Array(32));
    p.call(nr.rt_sigprocmask, SIG_SETMASK, none, 0, SIGSET_BYTES);
    for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
      if (signal !== SIGKILL && signal !== SIGSTOP) p.call(nr.rt_sigaction, signal, none, 0, SIGSET_BYTES);
    }
    p.call(nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
    // Modes are given in full from here on; the container's own umask is set at the end.
    if (keepsUmask !== true) p.call(nr.umask, 0);
  },
  describe: () => "begin with nothing but the given descriptors and no signal ignored, and die with the runtime",
};

/** Waits for one byte from the runtime. End of file: it has died, and so does the program. */
export function awaitByte(c: Compilation): void {
  c.p.call(c.p.nr.read, c.sync, c.p.space(1, 1), 1).onZero(c.orphaned);
}

/** The first operations of init, the process that becomes the container's. */
export interface InitBegin extends Step {
  readonly kind: "init-begin";
}

export const initBegin: StepKind<InitBegin> = {
  kind: "init-begin",
  emit({ p }) {
    // Not inherited over clone, and cleared by every change of ids before it.
    p.call(p.nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
    p.call(p.nr.setsid);
  },
  describe: () => "start a session of its own, and die with the runtime until ready",
};
