import { lintBundle } from "../../lifecycle/lint-bundle.ts";
import { writeOut } from "../../report/output.ts";
import { renderJson, renderText } from "../../report/render-faults.ts";
import { bundleOf, type CommandRequest, cgroupOptions, reportFormat } from "../request.ts";

/** The report goes to standard output; the exit status is 1 when a container cannot be made of the bundle. */
export function run(request: CommandRequest): number {
  const format = reportFormat(request);
  const { faults, warnings } = lintBundle({ bundle: bundleOf(request), ...cgroupOptions(request) });
  writeOut(format === "json" ? renderJson(faults, warnings) : renderText(faults, warnings));
  return faults.length === 0 ? 0 : 1;
}
