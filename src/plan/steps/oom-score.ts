import { EACCES, EPERM } from "../../../native-bindings/errno.ts";
import type { Step, StepKind } from "../step.ts";
import { emitWriteFile } from "./write-file.ts";

/** process.oomScoreAdj: written to the process itself, so that every later child inherits it. proc(5). */
export interface OomScoreAdj extends Step {
  readonly kind: "oom-score-adj";
  readonly value: number;
}

export const oomScoreAdj: StepKind<OomScoreAdj> = {
  kind: "oom-score-adj",
  emit({ p }, step) {
    emitWriteFile(p, "/proc/self/oom_score_adj", String(step.value));
  },
  describe: (step) => `set oom_score_adj to ${step.value}`,
  hint: (_, errno) =>
    errno === EACCES || errno === EPERM ? "lowering it below the runtime's own needs CAP_SYS_RESOURCE" : undefined,
};
