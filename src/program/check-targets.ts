import { syscallName } from "../../native-bindings/call-arguments.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { ProgramFault } from "./check-program.ts";
import { edgesOf } from "./flow.ts";
import type { Operation } from "./operation.ts";

/** Targets that are no operations, paths that run off the end, operations that nothing leads to, unknown system calls. */
export function targetFaults(operations: readonly Operation[], program: ProgramBuilder): ProgramFault[] {
  const faults: ProgramFault[] = [];
  if (operations.length === 0) faults.push({ operation: 0, what: "there are no operations" });
  for (const [index, operation] of operations.entries()) {
    if (operation.nr >= 0 && syscallName(operation.nr, program.arch) === undefined) {
      faults.push({ operation: index, what: `system call ${operation.nr} is unknown on ${program.arch}` });
    }
    for (const { on, to } of edgesOf(operation, index, program.nr)) {
      if (to in operations) continue;
      const what = to === operations.length ? "runs off the end of the list" : "leads to no operation";
      faults.push({ operation: index, what: `${what} on ${on === "error" ? "an error" : `a ${on} result`}` });
    }
  }
  const reached = reachableFrom([0], operations, program);
  for (const index of operations.keys()) {
    if (!reached.has(index)) faults.push({ operation: index, what: "no operation leads here" });
  }
  return faults;
}

/** Indexes of the operations that can follow those of `start`, and these themselves. */
export function reachableFrom(
  start: readonly number[],
  operations: readonly Operation[],
  program: ProgramBuilder,
): Set<number> {
  const reached = new Set<number>();
  const waiting = [...start];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    const operation = operations[index];
    if (operation === undefined || reached.has(index)) continue;
    reached.add(index);
    for (const { to } of edgesOf(operation, index, program.nr)) waiting.push(to);
  }
  return reached;
}
