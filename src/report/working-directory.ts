import { ENOENT } from "../../native-bindings/errno.ts";
import { workingDirectory } from "../../native-bindings/inherited.ts";
import { RuntimeFault } from "./fault.ts";

/**
 * Stands before every use of a path that the caller may have given relative to its working directory: where that was deleted, the
 * process may be in `/`, and the path would be another one.
 *
 * @param where the flag.
 * @returns the working directory; empty where the path is absolute, and it is not asked for.
 * @throws RuntimeFault in Go's words.
 */
export function requireWorkingDirectory(path: string, where?: string): string {
  if (path[0] === "/") return "";
  const directory = workingDirectory();
  if (directory !== undefined) return directory;
  throw new RuntimeFault({
    what: "getwd",
    where,
    value: path,
    errno: ENOENT,
    hint: "the caller's working directory was deleted: only absolute paths can be used",
  });
}
