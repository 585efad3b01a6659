import { startContainer } from "../../lifecycle/start.ts";
import { type CommandRequest, type CommandResult, rootOf } from "../request.ts";

export function run(request: CommandRequest): CommandResult {
  startContainer({ root: rootOf(request).path, id: request.arguments[0]!, log: request.log });
  return 0;
}
