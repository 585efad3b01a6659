import { stateOf } from "../../lifecycle/state.ts";
import { goJsonWithoutBigints } from "../../report/go-json.ts";
import { writeOut } from "../../report/output.ts";
import { type CommandRequest, rootOf } from "../request.ts";

/** Without a line feed at the end, as runc. */
export function run(request: CommandRequest): undefined {
  writeOut(goJsonWithoutBigints(stateOf(rootOf(request).path, request.arguments[0]!), "  "));
}
