/** What a program's report of a failure means: which step, for which field, which system call with which arguments. */
import { type CompiledProgram, operationIndex } from "../plan/compile-program.ts";
import { RuntimeFault } from "../report/fault.ts";

/**
 * @param address of the failing operation.
 * @param errno positive.
 * @param detail the kernel's own words, where there are some.
 * @param during what stands before it in runc's message, but for the look-up of the program.
 */
export function programFailure(
  compiled: CompiledProgram,
  address: number,
  errno: number,
  detail = "",
  during = "error during container init: ",
): RuntimeFault {
  const index = operationIndex(address);
  const step = compiled.steps[compiled.program.stepOf(index)];
  if (step === undefined) return new RuntimeFault({ what: `the program failed at operation ${index}`, errno });
  const kind = compiled.kindOf(step);
  const { readableOperation } =
    require("../report/readable-operation.ts") as typeof import("../report/readable-operation.ts");
  const what = kind.failure?.(step, errno) ?? `unable to ${kind.describe(step)}`;
  // As runc has it: the look-up of the program is not init's failure.
  const prefix = step.kind === "find-executable" ? "" : during;
  return new RuntimeFault({
    what: `unable to start container process: ${prefix}${detail === "" ? what : `${what}: ${detail}`}`,
    where: step.from === "" ? undefined : step.from,
    errno,
    // A decision between system calls says nothing by itself.
    call: compiled.program.isDecision(index) ? undefined : readableOperation(compiled.program, index, compiled.given),
    hint: kind.hint?.(step, errno),
  });
}
