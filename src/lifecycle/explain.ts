import { compileStart } from "../plan/compile.ts";
import { kindOf } from "../plan/step-kinds.ts";
import { explainProgram } from "../report/explain.ts";
import type { Log } from "../report/log.ts";
import { dryRequest } from "./dry-request.ts";
import { prepareStart } from "./prepare-start.ts";

/**
 * The steps and system calls by which a bundle's container would be started, for a person or as JSON.
 *
 * Changes nothing and needs no privilege: what is planned is exactly what `create` would plan, as this user, here and now.
 *
 * @throws RuntimeFault for a config that can't be started.
 */
export function explainBundle(directory: string, format: "text" | "json", log: Log): string {
  const { plan } = prepareStart(dryRequest(directory, log), "fifo", false, "");
  const { program, given } = compileStart(plan);
  return explainProgram({ stages: plan.stages, given }, program, (step) => kindOf(step).describe(step), format);
}
