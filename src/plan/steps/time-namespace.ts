import { CLONE_NEWTIME, PR_SET_DUMPABLE } from "../../../native-bindings/constants.ts";
import type { Step, StepKind } from "../step.ts";
import { emitWriteFile } from "./write-file.ts";

/** A time namespace for the children to come, with its offsets, which can be written only while it is empty. time_namespaces(7). */
export interface NewTimeNamespace extends Step {
  readonly kind: "new-time-namespace";
  /** Lines for timens_offsets: `monotonic SECONDS NANOSECONDS`. Empty: none. */
  readonly offsets: string;
}

export const newTimeNamespace: StepKind<NewTimeNamespace> = {
  kind: "new-time-namespace",
  emit({ p }, step) {
    p.call(p.nr.unshare, CLONE_NEWTIME);
    if (step.offsets === "") return;
    // Changing ids made the process non-dumpable, and its files in /proc the host root's.
    p.call(p.nr.prctl, PR_SET_DUMPABLE, 1);
    emitWriteFile(p, "/proc/self/timens_offsets", step.offsets);
  },
  describe: (step) =>
    `make a time namespace${step.offsets && ` with offsets ${step.offsets.trim().replaceAll("\n", ", ")}`}`,
};
