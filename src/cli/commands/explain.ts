import { explainBundle } from "../../lifecycle/explain.ts";
import { writeOut } from "../../report/output.ts";
import { absolutePath } from "../../state/state-root.ts";
import { type CommandRequest, reportFormat, textOption } from "../request.ts";

export function run(request: CommandRequest): undefined {
  const format = reportFormat(request);
  writeOut(explainBundle(absolutePath(textOption(request.options, "bundle") || "."), format));
}
