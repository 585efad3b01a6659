import { callersVariable } from "../../../native-bindings/caller-words.ts";
import { startContainer } from "../../lifecycle/start.ts";
import { type CommandRequest, type CommandResult, rootOf } from "../request.ts";

export function run(request: CommandRequest): CommandResult {
  const notifySocket = callersVariable("NOTIFY_SOCKET") || undefined;
  startContainer({ root: rootOf(request).path, id: request.arguments[0]!, notifySocket, log: request.log });
  return 0;
}
