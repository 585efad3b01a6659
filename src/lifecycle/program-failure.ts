/** What a program's report of a failure means: which step, for which field, which system call with which arguments. */
import { type CompiledStart, operationIndex } from "../plan/compile.ts";
import { kindOf } from "../plan/step-kinds.ts";
import { RuntimeFault } from "../report/fault.ts";

/**
 * @param address of the failing operation.
 * @param errno positive.
 * @param detail the kernel's own words, where there are some.
 */
export function programFailure(compiled: CompiledStart, address: number, errno: number, detail = ""): RuntimeFault {
  const index = operationIndex(address);
  const step = compiled.steps[compiled.program.stepOf(index)];
  if (step === undefined) return new RuntimeFault({ what: `the program failed at operation ${index}`, errno });
  const kind = kindOf(step);
  const { readableOperation } =
    require("../report/readable-operation.ts") as typeof import("../report/readable-operation.ts");
  const what = kind.failure?.(step, errno) ?? `unable to ${kind.describe(step)}`;
  // As runc has it: the look-up of the program is not init's failure.
  const during = step.kind === "find-executable" ? "" : "error during container init: ";
  return new RuntimeFault({
    what: `unable to start container process: ${during}${detail === "" ? what : `${what}: ${detail}`}`,
    where: step.from === "" ? undefined : step.from,
    errno,
    // A decision between system calls says nothing by itself.
    call: compiled.program.isDecision(index) ? undefined : readableOperation(compiled.program, index, compiled.given),
    hint: kind.hint?.(step, errno),
  });
}
