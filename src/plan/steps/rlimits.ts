import { RLIMITS } from "../../../native-bindings/constants.ts";
import type { POSIXRlimit } from "../../bundle/config.ts";
import type { Step, StepKind } from "../step.ts";

/** process.rlimits, set by init itself: where the runtime has no right to set another user's. prlimit(2). */
export interface Rlimits extends Step {
  readonly kind: "rlimits";
  readonly limits: readonly POSIXRlimit[];
}

export const rlimits: StepKind<Rlimits> = {
  kind: "rlimits",
  emit({ p }, { limits }) {
    for (const { type, soft, hard } of limits) {
      p.call(p.nr.prlimit64, 0, RLIMITS.indexOf(type), p.constant(rlimitBytes(soft, hard)), 0);
    }
  },
  describe: ({ limits }) => `set ${limits.map(({ type, soft, hard }) => `${type} ${soft}:${hard}`).join(", ")}`,
  failure: () => "unable to set rlimits",
  hint: (_, errno) => (errno === 1 ? "raising a hard limit needs CAP_SYS_RESOURCE" : undefined),
};

/** struct rlimit64, 16 bytes: soft, hard. */
export function rlimitBytes(soft: number | bigint, hard: number | bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(soft), BigInt(hard)]).buffer);
}
