import { runContainer } from "../../lifecycle/run.ts";
import type { CommandRequest, CommandResult } from "../request.ts";
import { createRequest } from "./create-request.ts";

/** The exit status is that of the container's process. */
export function run(request: CommandRequest): CommandResult {
  const { options } = request;
  return runContainer({
    ...createRequest(request),
    detach: options.detach === true,
    keep: options.keep === true,
    noSubreaper: options["no-subreaper"] === true,
  });
}
