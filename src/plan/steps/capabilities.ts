/** Capabilities: the one order that works is bounding set, ids under KEEPCAPS, capset, ambient set. capabilities(7). */
import {
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_KEEPCAPS,
} from "../../../native-bindings/constants.ts";
import { EINVAL } from "../../../native-bindings/errno.ts";
import { load } from "../../program/builder.ts";
import type { Step, StepKind } from "../step.ts";

/** A set of capabilities: bits 0-31 and 32-63. */
export interface CapabilitySet {
  readonly low: number;
  readonly high: number;
}

/** The highest number that this project knows by name; newer kernels may have more, which nobody can ask for. */
const LAST_KNOWN = 40;
const LAST_POSSIBLE = 63;

function has(set: CapabilitySet, number: number): boolean {
  return ((number < 32 ? set.low >>> number : set.high >>> (number - 32)) & 1) === 1;
}

/** Drops what is not in the bounding set, and keeps the permitted set over the change of ids. */
export interface DropBounding extends Step {
  readonly kind: "drop-bounding";
  readonly bounding: CapabilitySet;
}

export const dropBounding: StepKind<DropBounding> = {
  kind: "drop-bounding",
  emit({ p }, { bounding }) {
    const nr = p.nr.prctl;
    p.call(nr, PR_SET_KEEPCAPS, 1);
    for (let number = 0; number <= LAST_KNOWN; number++) {
      if (!has(bounding, number)) p.call(nr, PR_CAPBSET_DROP, number);
    }
    // Upwards until the kernel says EINVAL: there is no such capability.
    const done = p.label();
    const check = p.label();
    const result = p.slot("drop");
    for (let number = LAST_KNOWN + 1; number <= LAST_POSSIBLE; number++) {
      p.call(nr, PR_CAPBSET_DROP, number).save(result).onError(check);
    }
    p.jump(done);
    p.place(check);
    p.jumpIfErrno(result, EINVAL, done).ignoreError();
    p.xor(load(result), 0);
    p.place(done);
  },
  describe: () => "drop capabilities from the bounding set",
  failure: () => "unable to apply bounding set",
};

/** capset(2), then the ambient set. */
export interface SetCapabilities extends Step {
  readonly kind: "set-capabilities";
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly ambient: CapabilitySet;
}

export const setCapabilities: StepKind<SetCapabilities> = {
  kind: "set-capabilities",
  emit({ p }, step) {
    const VERSION_3 = 0x20080522;
    const { effective, permitted, inheritable, ambient } = step;
    const header = p.dataWords([VERSION_3, 0]);
    const sets = p.constantWords([
      effective.low,
      permitted.low,
      inheritable.low,
      effective.high,
      permitted.high,
      inheritable.high,
    ]);
    p.call(p.nr.capset, header, sets);
    p.call(p.nr.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (let number = 0; number <= LAST_KNOWN; number++) {
      // One that is not permitted and inheritable as well can't be raised; the config's warning says so.
      if (has(ambient, number)) p.call(p.nr.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0).ignoreError();
    }
  },
  describe: () => "set the effective, permitted, inheritable and ambient capabilities",
  failure: () => "unable to apply caps",
  hint: (_, errno) => (errno === 1 ? "the runtime can give only capabilities that it has itself" : undefined),
};
