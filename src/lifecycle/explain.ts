import { compileStart } from "../plan/compile.ts";
import { kindOf } from "../plan/step-kinds.ts";
import { explainProgram } from "../report/explain.ts";
import { type DryRun, dryRequest } from "./dry-request.ts";
import { prepareStart } from "./prepare-start.ts";

/**
 * The steps and system calls by which a bundle's container would be started, for a person or as JSON.
 *
 * Changes nothing and needs no privilege: what is planned is exactly what `create` would plan, as this user, here and now.
 *
 * @throws RuntimeFault for a config that can't be started.
 */
export function explainBundle(dryRun: DryRun, format: "text" | "json"): string {
  const { plan } = prepareStart(dryRequest(dryRun), "fifo", false, "");
  const { program, given } = compileStart(plan);
  return explainProgram({ stages: plan.stages, given }, program, (step) => kindOf(step).describe(step), format);
}
