import { updateContainer } from "../../lifecycle/update.ts";
import { type CommandRequest, rootOf } from "../request.ts";
import { requestedLimits } from "../update-limits.ts";

export function run(request: CommandRequest): undefined {
  const { options, log } = request;
  updateContainer({
    root: rootOf(request).path,
    id: request.arguments[0]!,
    limits: () => requestedLimits(options, log),
    log,
  });
}
