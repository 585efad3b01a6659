import { listContainers } from "../../lifecycle/list.ts";
import type { StateDocument } from "../../lifecycle/state.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { goJson } from "../../report/go-json.ts";
import { writeError, writeOut } from "../../report/output.ts";
import { type CommandRequest, rootOf, textOption } from "../request.ts";

export function run(request: CommandRequest): undefined {
  const format = textOption(request.options, "format") || "table";
  const quiet = request.options.quiet === true;
  if (!quiet && format !== "table" && format !== "json") {
    throw new RuntimeFault({ what: "invalid format option", where: "--format", value: format });
  }
  const containers = listContainers(rootOf(request), (line) => writeError(`${line}\n`));
  if (quiet) writeOut(containers.map(({ id }) => `${id}\n`).join(""));
  // An empty list is Go's nil slice.
  else if (format === "json") writeOut(`${goJson(containers.length === 0 ? null : containers)}\n`);
  else writeOut(table(containers));
}

const MINIMUM_WIDTH = 12;
const GAP = 3;

/** Go's tabwriter with runc's settings: every column but the last as wide as its widest cell and a gap. */
export function table(containers: readonly StateDocument[]): string {
  const rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]];
  for (const c of containers) rows.push([c.id, `${c.pid}`, c.status, c.bundle, c.created, c.owner]);
  const widths = rows[0]!.map((_, column) => {
    const widest = Math.max(...rows.map((row) => row[column]!.length));
    return Math.max(MINIMUM_WIDTH, widest + GAP);
  });
  const line = (row: string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
