import type { Compilation, Step, StepKind } from "../step.ts";

/**
 * Closes, really, everything above the descriptor that failures are told through. Close-on-exec alone is not enough: execve
 * resolves its path before it takes effect, so /proc/self/fd/N must lead nowhere (CVE-2024-21626).
 */
export interface CloseDescriptors extends Step {
  readonly kind: "close-descriptors";
}

export const closeDescriptors: StepKind<CloseDescriptors> = {
  kind: "close-descriptors",
  emit(c) {
    emitCloseFrom(c, c.firstOwn + 1);
  },
  describe: () => "close every descriptor but the container's",
};

/** More than a program that was planned for has open at once; those above are close-on-exec. */
const CLOSED_ONE_BY_ONE = 256;

/** close_range(2) from `first` up; one by one under a seccomp filter of old, which does not know it. */
export function emitCloseFrom({ p, closeRangeBlocked }: Compilation, first: number): void {
  if (!closeRangeBlocked) {
    p.call(p.nr.close_range, first, -1, 0);
    return;
  }
  for (let fd = first; fd < first + CLOSED_ONE_BY_ONE; fd++) p.call(p.nr.close, fd).ignoreError();
}
