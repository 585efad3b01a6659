import { type ConfigFault, fault } from "../config-fault.ts";
import { exceedsBytes } from "./byte-length.ts";

/** `NAME=value` entries. A value is never shown: it may be a secret. */
export function checkEnvironment(env: readonly string[], at: string, into: ConfigFault[]): void {
  for (let i = 0; i < env.length; i++) {
    const entry = env[i]!;
    const equals = entry.indexOf("=");
    if (equals < 0) fault(into, `${at}/${i}`, "invalid environment variable: missing '='");
    else if (equals === 0) fault(into, `${at}/${i}`, "invalid environment variable: name cannot be empty");
    if (exceedsBytes(entry, mostStringBytes)) tooLong(`${at}/${i}`, into);
  }
}

/** MAX_ARG_STRLEN, execve(2): 32 pages with the terminating NUL. */
const mostStringBytes = 32 * 4096 - 1;

/** A string longer than execve(2) takes would only fail, with E2BIG, when the container has already been started. */
export function checkArguments(args: readonly string[], at: string, into: ConfigFault[]): void {
  for (let i = 0; i < args.length; i++) if (exceedsBytes(args[i]!, mostStringBytes)) tooLong(`${at}/${i}`, into);
}

function tooLong(at: string, into: ConfigFault[]): void {
  fault(into, at, "argument list too long", undefined, `at most ${mostStringBytes} bytes`);
}
