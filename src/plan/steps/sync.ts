/** The points at which the program and the runtime talk. */
import { PR_SET_DUMPABLE, PR_SET_PDEATHSIG } from "../../../native-bindings/constants.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { awaitByte } from "./begin.ts";
import { emitCloseFrom } from "./close-descriptors.ts";
import { emitHoldSignals } from "./held-signals.ts";

/** The mounts are made: the runtime moves network devices into the container, and runs its prestart and createRuntime hooks. */
export interface RuntimeHooks extends Step {
  readonly kind: "runtime-hooks";
  /** linux.netDevices: the names that they have on the host. */
  readonly devices: readonly string[];
}

export const runtimeHooks: StepKind<RuntimeHooks> = {
  kind: "runtime-hooks",
  emit(c) {
    c.p.call(c.p.nr.write, c.sync, c.p.constantWords([Message.WantsHooks, 0, 0]), 12);
    awaitByte(c);
  },
  describe: ({ devices }) =>
    `wait while the runtime ${devices.length > 0 ? `moves ${devices.join(", ")} into the network namespace and ` : ""}runs the prestart and createRuntime hooks in its own namespaces`,
};

/** Everything that create does is done. Nothing of the runtime's is held any longer but what start needs. */
export interface Ready extends Step {
  readonly kind: "ready";
  /** Rootless: exec must be able to join this process's namespaces while it waits, which a non-dumpable one forbids. */
  readonly dumpable: boolean;
  /** Signals that come from here on are kept for the wait. */
  readonly holdsSignals: boolean;
}

export const ready: StepKind<Ready> = {
  kind: "ready",
  emit(c, { dumpable, holdsSignals }) {
    const { p } = c;
    if (holdsSignals) emitHoldSignals(c);
    emitCloseFrom(c, c.firstTransient);
    // From here on the container outlives the runtime.
    p.call(p.nr.prctl, PR_SET_PDEATHSIG, 0);
    if (dumpable) p.call(p.nr.prctl, PR_SET_DUMPABLE, 1);
    p.call(p.nr.write, c.sync, p.constantWords([Message.Ready, 0, 0]), 12);
    if (c.sync !== c.result) p.call(p.nr.close, c.sync);
    p.fail = c.failAfterReady;
  },
  describe: () => "tell the runtime that the container is created",
};
