import { explainBundle } from "../../lifecycle/explain.ts";
import { writeOut } from "../../report/output.ts";
import { bundleOf, type CommandRequest, reportFormat } from "../request.ts";

export function run(request: CommandRequest): undefined {
  writeOut(explainBundle(bundleOf(request), reportFormat(request), request.log));
}
