import { explainBundle } from "../../lifecycle/explain.ts";
import { writeOut } from "../../report/output.ts";
import { bundleOf, type CommandRequest, cgroupOptions, reportFormat } from "../request.ts";

export function run(request: CommandRequest): undefined {
  writeOut(
    explainBundle({ bundle: bundleOf(request), ...cgroupOptions(request), log: request.log }, reportFormat(request)),
  );
}
