import { RuntimeFault } from "../report/fault.ts";
import type { Process } from "./config.ts";
import type { ConfigFault } from "./config-fault.ts";
import { explainSchema } from "./explain-schema.ts";
import { acceptsProcess } from "./generated/accepts.js";
import { parseJson } from "./parse-json.ts";
import { valueOrThrow } from "./refuse.ts";

/**
 * The process of a config.json that was edited after its container was created: the rest of it is for the next container, and
 * may be anything.
 *
 * @param path of the file, for messages.
 * @throws RuntimeFault when there is none, or it has the wrong types. The rules are for whoever uses it.
 */
export function editedProcess(text: string, path: string): Process {
  const faults: ConfigFault[] = [];
  const document = parseJson(text, faults) as { readonly process?: unknown } | null | undefined;
  const process = document?.process;
  if (faults.length === 0 && (process === undefined || process === null)) {
    throw new RuntimeFault({ what: "process property must not be empty", where: path });
  }
  if (faults.length === 0 && !acceptsProcess(process)) explainSchema("Process", process, faults);
  return valueOrThrow({ value: process as Process, faults, warnings: [] }, path);
}
