import { restoreContainer } from "../../lifecycle/restore.ts";
import { type CommandRequest, type CommandResult, textOption } from "../request.ts";
import { createRequest } from "./create-request.ts";
import { criuSettings, warnUnlessRoot } from "./criu-request.ts";

/** The exit status is that of the container's process. */
export function run(request: CommandRequest): CommandResult {
  const { options } = request;
  warnUnlessRoot(request);
  return restoreContainer({
    ...createRequest(request),
    ...criuSettings(request),
    // The container has the descriptors that its images say.
    preserveFds: 0,
    restores: true,
    activation: undefined,
    // What is restored has said that it is ready.
    notifySocket: undefined,
    detach: options.detach === true,
    noSubreaper: options["no-subreaper"] === true,
    tcpClose: options["tcp-close"] === true,
    lsmProfile: textOption(options, "lsm-profile") || undefined,
    lsmMountContext: textOption(options, "lsm-mount-context") || undefined,
  });
}
