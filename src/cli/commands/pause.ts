import { pauseContainer } from "../../lifecycle/pause.ts";
import { type CommandRequest, rootOf } from "../request.ts";

export function run(request: CommandRequest): undefined {
  pauseContainer(rootOf(request).path, request.arguments[0]!);
}
