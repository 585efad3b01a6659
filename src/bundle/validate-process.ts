import type { Process } from "./config.ts";
import { acceptsProcess } from "./generated/accepts.js";
import { checkWholeProcess } from "./rules/whole-process.ts";
import { type Validation, validateDocument } from "./validate-document.ts";

/** The document of `exec --process`: one process. */
export function validateProcessText(text: string): Validation<Process> {
  return validateDocument(text, "Process", acceptsProcess, (process, broken, into) => {
    if (broken.length === 0) checkWholeProcess(process, "", into);
  });
}
