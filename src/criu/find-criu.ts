import { findProgram } from "../../native-bindings/find-program.ts";
import { RuntimeFault } from "../report/fault.ts";

/**
 * The path of criu.
 *
 * @throws RuntimeFault when it is not installed.
 */
export function findCriu(): string {
  const path = findProgram("criu");
  if (path !== undefined) return path;
  throw new RuntimeFault({
    what: 'CRIU version check failed: exec: "criu": executable file not found in $PATH',
    hint: "checkpoint and restore are done by criu (https://criu.org), which is not installed",
  });
}
