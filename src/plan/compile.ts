import type { Arch } from "../../native-bindings/syscall-numbers.ts";
import { type CompiledProgram, compileProgram } from "./compile-program.ts";
import type { StartPlan } from "./start-plan.ts";
import { kindOf } from "./step-kinds.ts";

/** Compiles a start plan for an architecture, the host's unless said otherwise. Pure. */
export function compileStart(plan: StartPlan, arch?: Arch): CompiledProgram {
  return compileProgram(plan, kindOf, arch);
}
