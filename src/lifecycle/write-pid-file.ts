import { writeFileAtomically } from "../../native-bindings/files.ts";
import { asFault } from "../report/fault.ts";

/**
 * The pid in decimal without a newline: callers parse it as it is. Whole or not at all: some poll for it.
 *
 * @param path absolute.
 * @throws RuntimeFault naming --pid-file.
 */
export function writePidFile(path: string, pid: number): void {
  try {
    writeFileAtomically(path, String(pid), 0o666);
  } catch (error) {
    throw asFault(error, `unable to write the pid file ${path}`, "--pid-file");
  }
}
