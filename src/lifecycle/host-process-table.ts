import { callersEnvironment } from "../../native-bindings/caller-words.ts";
import { findProgram } from "../../native-bindings/find-program.ts";
import { runTool } from "../hooks/run-tool.ts";
import { RuntimeFault } from "../report/fault.ts";
import { writeError } from "../report/output.ts";

/**
 * What the host's ps(1) says of some processes: its header, and their rows.
 *
 * @param pids as the host sees them.
 * @param args the words for ps.
 * @throws RuntimeFault when ps is missing or fails, in runc's words.
 */
export function hostProcessTable(pids: readonly number[], args: readonly string[]): string {
  const path = findProgram("ps");
  if (path === undefined) throw new RuntimeFault({ what: 'exec: "ps": executable file not found in $PATH' });
  const { failure, stdout, stderr } = runTool(path, args, callersEnvironment());
  if (failure !== undefined) {
    throw new RuntimeFault({ what: `${failure}: ${(stderr + stdout).trimEnd()}`, value: ["ps", ...args] });
  }
  writeError(stderr);
  return rowsOf(stdout, pids);
}

/**
 * Of ps's output the header and the rows of those processes.
 *
 * @throws RuntimeFault when no column is called PID, or something else stands in it.
 */
export function rowsOf(output: string, pids: readonly number[]): string {
  const [header = "", ...lines] = output.split("\n");
  const column = fieldsOf(header).indexOf("PID");
  if (column < 0) throw new RuntimeFault({ what: "couldn't find PID field in ps output", value: header });
  let rows = `${header}\n`;
  for (const line of lines) {
    if (line === "") continue;
    const field = fieldsOf(line)[column] ?? "";
    if (!/^\d+$/.test(field)) {
      throw new RuntimeFault({
        what: `unable to parse pid: strconv.Atoi: parsing ${JSON.stringify(field)}: invalid syntax`,
        value: line,
        hint: "the PID column must stand before those whose values may be empty or hold spaces",
      });
    }
    if (pids.includes(Number(field))) rows += `${line}\n`;
  }
  return rows;
}

function fieldsOf(line: string): string[] {
  return line.split(/\s+/).filter((field) => field !== "");
}
