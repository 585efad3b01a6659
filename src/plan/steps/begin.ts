import { CLOSE_RANGE_CLOEXEC, PR_SET_PDEATHSIG } from "../../../native-bindings/constants.ts";
import type { Compilation, Step, StepKind } from "../step.ts";

const SIGKILL = 9;

/** The first thing in the fresh process: nothing inherited but what was given, and no outliving the runtime. */
export interface Begin extends Step {
  readonly kind: "begin";
}

export const begin: StepKind<Begin> = {
  kind: "begin",
  emit(c) {
    const { p } = c;
    const end = c.firstOwn + c.givenCount;
    // dup2 cleared close-on-exec on what was given; whatever else the engine or its caller had open goes away.
    p.call(p.nr.close_range, c.firstOwn, end - 1, CLOSE_RANGE_CLOEXEC);
    p.call(p.nr.close_range, end, -1, 0);
    p.call(p.nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
    // Modes are given in full from here on; the container's own umask is set at the end.
    p.call(p.nr.umask, 0);
  },
  describe: () => "begin with nothing but the given descriptors, and die with the runtime",
};

/** Blocks until the runtime has placed this process in its cgroup. The clone that follows inherits it. */
export interface AwaitPlacement extends Step {
  readonly kind: "await-placement";
}

export const awaitPlacement: StepKind<AwaitPlacement> = {
  kind: "await-placement",
  emit: awaitByte,
  describe: () => "wait until the runtime has placed this process in the container's cgroup",
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
