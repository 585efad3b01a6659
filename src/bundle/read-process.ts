import { AT_FDCWD } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { requireWorkingDirectory } from "../report/working-directory.ts";
import type { Process } from "./config.ts";
import { readDocument } from "./read-document.ts";
import { valueOrThrow } from "./refuse.ts";
import { validateProcessText } from "./validate.ts";

/**
 * The process that `exec --process` names a file of, as strictly as config.json's own.
 *
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readProcessFile(path: string): Process {
  requireWorkingDirectory(path, "--process");
  const text = readDocument(AT_FDCWD, path);
  if (text === undefined) throw new RuntimeFault({ what: `open ${path}`, errno: 2 });
  return valueOrThrow(validateProcessText(text), path);
}
