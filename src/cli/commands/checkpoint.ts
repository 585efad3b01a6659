import { checkpointContainer } from "../../lifecycle/checkpoint.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { type CommandRequest, rootOf, textOption } from "../request.ts";
import { criuSettings, warnUnlessRoot } from "./criu-request.ts";

export function run(request: CommandRequest): undefined {
  const { options, log } = request;
  warnUnlessRoot(request);
  const statusFd = (options["status-fd"] as number | undefined) ?? -1;
  const lazyPages = options["lazy-pages"] === true;
  if (statusFd !== -1 && !lazyPages) log.warn("--status-fd has no effect without --lazy-pages");
  checkpointContainer({
    ...criuSettings(request),
    root: rootOf(request).path,
    id: request.arguments[0]!,
    parentPath: textOption(options, "parent-path") || undefined,
    leaveRunning: options["leave-running"] === true,
    preDump: options["pre-dump"] === true,
    tcpSkipInFlight: options["tcp-skip-in-flight"] === true,
    linkRemap: options["link-remap"] === true,
    pageServer: pageServer(textOption(options, "page-server")),
    statusFd: statusFd === -1 || !lazyPages ? undefined : statusFd,
    log,
  });
}

/** ADDRESS:PORT, where an address with colons stands in brackets. */
function pageServer(text: string): { address: string; port: number } | undefined {
  if (text === "") return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([^:]+)$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  const where = "--page-server";
  if (address === undefined || port === undefined) {
    throw new RuntimeFault({ what: "Use --page-server ADDRESS:PORT to specify page server", value: text });
  }
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) === 0 || Number(port) > 65535) {
    throw new RuntimeFault({ what: "Invalid port number", where, value: port });
  }
  return { address, port: Number(port) };
}
