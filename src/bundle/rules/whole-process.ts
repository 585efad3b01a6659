import type { Process } from "../config.ts";
import type { ConfigFault } from "../config-fault.ts";
import { checkCapabilities } from "./capabilities.ts";
import { checkProcess } from "./process.ts";
import { checkRlimits } from "./rlimits.ts";
import { checkScheduling } from "./scheduling.ts";

/** Everything that is asked of one process: of config.json's, and of the one given to `exec`. */
export function checkWholeProcess(process: Process, at: string, into: ConfigFault[]): void {
  checkProcess(process, at, into);
  if (process.capabilities !== undefined) checkCapabilities(process.capabilities, `${at}/capabilities`, into);
  if (process.rlimits !== undefined) checkRlimits(process.rlimits, `${at}/rlimits`, into);
  checkScheduling(process, at, into);
}
