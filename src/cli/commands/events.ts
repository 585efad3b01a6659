import { tellEvents } from "../../lifecycle/events.ts";
import { goJson } from "../../report/go-json.ts";
import { tryWriteOut } from "../../report/output.ts";
import { type CommandRequest, rootOf } from "../request.ts";

const DEFAULT_INTERVAL_MS = 5000;

export function run(request: CommandRequest): undefined {
  tellEvents({
    root: rootOf(request).path,
    id: request.arguments[0]!,
    intervalMs: (request.options.interval as number | undefined) ?? DEFAULT_INTERVAL_MS,
    once: request.options.stats === true,
    log: request.log,
    tell: (event) => tryWriteOut(`${goJson(event)}\n`),
  });
}
