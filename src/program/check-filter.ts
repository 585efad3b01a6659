import { syscallName } from "../../native-bindings/call-arguments.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { ProgramFault } from "./check-program.ts";
import { reachableFrom } from "./check-targets.ts";
import { edgesOf } from "./flow.ts";
import { constantArgument, type Operation } from "./operation.ts";

const SECCOMP_SET_MODE_FILTER = 1;

/** Operations that can follow a seccomp filter which refuses them: the container would be killed, or its error unknown. */
export function filterFaults(
  operations: readonly Operation[],
  program: ProgramBuilder,
  forbidden: (nr: number) => boolean,
): ProgramFault[] {
  const faults = new Map<number, ProgramFault>();
  for (const [index, operation] of operations.entries()) {
    if (operation.nr !== program.nr.seccomp || constantArgument(operation, 0) !== SECCOMP_SET_MODE_FILTER) continue;
    const success = edgesOf(operation, index, program.nr).filter((edge) => edge.on !== "error");
    const after = reachableFrom(
      success.map((edge) => edge.to),
      operations,
      program,
    );
    for (const later of after) {
      const { nr } = operations[later]!;
      if (nr < 0 || !forbidden(nr)) continue;
      const what = `${syscallName(nr, program.arch)} is refused by the seccomp filter of operation ${index}`;
      faults.set(later, { operation: later, what });
    }
  }
  return [...faults.values()];
}
