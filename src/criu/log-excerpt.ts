import { readTextIfThere } from "../../native-bindings/files.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

/** Lines before one with an error that are shown with it. */
const CONTEXT = 5;

/**
 * What criu's log says of errors, as `grep -n -B5 Error` shows it, for the runtime's own log.
 *
 * @returns lines; none when there is no such log, or nothing went wrong by it.
 */
export function logExcerpt(path: string): string[] {
  let content: string | undefined;
  try {
    content = readTextIfThere(path);
  } catch (error) {
    if (error instanceof SystemError) return [`unable to read criu's log: ${error.message}`];
    throw error;
  }
  if (content === undefined) return [`criu left no log at ${path}`];
  return excerpt(content, path);
}

/** {@link logExcerpt} of a text. */
export function excerpt(content: string, path: string): string[] {
  const lines = content.split("\n");
  const shown: string[] = [];
  /** The number of the last line that is shown. */
  let last = 0;
  for (let number = 1; number <= lines.length; number++) {
    if (!lines[number - 1]!.includes("Error")) continue;
    if (last === 0) shown.push(`--- Quoting ${JSON.stringify(path)}`);
    else if (number - CONTEXT - 1 > last) shown.push("...");
    for (let at = Math.max(last + 1, number - CONTEXT); at <= number; at++) {
      if (lines[at - 1] !== "") shown.push(`${at}:${lines[at - 1]}`);
    }
    last = number;
  }
  if (last !== 0) shown.push("---");
  return shown;
}
