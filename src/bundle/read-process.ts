import { AT_FDCWD } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { requireWorkingDirectory } from "../report/working-directory.ts";
import type { Process } from "./config.ts";
import type { ConfigFault } from "./config-fault.ts";
import { readDocument } from "./read-document.ts";
import { valueOrThrow } from "./refuse.ts";
import { validateProcessText } from "./validate-process.ts";

/**
 * The process that `exec --process` names a file of, as strictly as config.json's own.
 *
 * @param warnings what is doubtful in it is added here.
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readProcessFile(path: string, warnings: ConfigFault[] = []): Process {
  requireWorkingDirectory(path, "--process");
  const text = readDocument(AT_FDCWD, path, "or pipe");
  if (text === undefined) throw new RuntimeFault({ what: `open ${path}`, errno: 2 });
  const validation = validateProcessText(text);
  for (const warning of validation.warnings) warnings.push(warning);
  return valueOrThrow(validation, path);
}
