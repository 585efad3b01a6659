import { hostProcessTable } from "../../lifecycle/host-process-table.ts";
import { processesOf } from "../../lifecycle/processes.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { goJson } from "../../report/go-json.ts";
import { writeOut } from "../../report/output.ts";
import { type CommandRequest, rootOf, textOption } from "../request.ts";

export function run(request: CommandRequest): undefined {
  const [id, ...psArguments] = request.arguments;
  const pids = processesOf(rootOf(request).path, id!);
  const format = textOption(request.options, "format") || "table";
  if (format === "json") {
    // An empty list is Go's nil slice.
    writeOut(`${goJson(pids.length === 0 ? null : pids)}\n`);
    return;
  }
  if (format !== "table") throw new RuntimeFault({ what: "invalid format option", where: "--format", value: format });
  writeOut(hostProcessTable(pids, psArguments.length === 0 ? ["-ef"] : psArguments));
}
