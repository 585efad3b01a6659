import { createContainer } from "../../lifecycle/create.ts";
import type { CommandRequest, CommandResult } from "../request.ts";
import { createRequest } from "./create-request.ts";

export function run(request: CommandRequest): CommandResult {
  createContainer(createRequest(request));
  return 0;
}
