import { callersVariable } from "../../../native-bindings/caller-words.ts";
import type { Activation } from "../../lifecycle/activation.ts";
import type { CreateRequest } from "../../lifecycle/create.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { absolutePath } from "../../state/state-root.ts";
import { type CommandRequest, cgroupOptions, rootOf, textOption } from "../request.ts";

/** What `create` and `run` have in common. Paths are made absolute here: creating changes the working directory. */
export function createRequest(request: CommandRequest): CreateRequest {
  const { options, log } = request;
  const preserveFds = (options["preserve-fds"] as number | undefined) ?? 0;
  if (preserveFds < 0) {
    throw new RuntimeFault({
      what: "cannot preserve a negative number of descriptors",
      where: "--preserve-fds",
      value: preserveFds,
    });
  }
  const passed = passedOn(preserveFds);
  return {
    root: rootOf(request).path,
    id: request.arguments[0]!,
    bundle: absolutePath(textOption(options, "bundle") || "."),
    pidFile: absoluteOrAbsent(textOption(options, "pid-file")),
    // As typed: runc looks for the sockets from the bundle.
    consoleSocket: textOption(options, "console-socket") || undefined,
    pidfdSocket: textOption(options, "pidfd-socket") || undefined,
    noPivot: options["no-pivot"] === true,
    noNewKeyring: options["no-new-keyring"] === true,
    preserveFds: passed?.count ?? 0,
    activation: passed?.environment,
    notifySocket: callersVariable("NOTIFY_SOCKET") || undefined,
    ...cgroupOptions(request),
    log,
  };
}

function passedOn(preserveFds: number): Activation | undefined {
  if (preserveFds === 0 && !callersVariable("LISTEN_FDS")) return undefined;
  return (require("../../lifecycle/activation.ts") as typeof import("../../lifecycle/activation.ts")).activation(
    preserveFds,
  );
}

function absoluteOrAbsent(path: string): string | undefined {
  return path === "" ? undefined : absolutePath(path);
}
