import { callersVariable } from "./caller-words.ts";
import { AT_EACCESS } from "./constants.ts";
import { AT_FDCWD, S_IFREG, tryStat } from "./files.ts";
import { cstring, syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** Where programs are when the caller gives no PATH: Podman and CRI-O run the runtime with an empty environment. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const X_OK = 1;

/**
 * The path of a program of the host's. Relative entries of PATH are left out: the working directory may be a bundle, which anyone
 * may have made.
 *
 * @returns undefined when it is not installed.
 */
export function findProgram(name: string): string | undefined {
  for (const directory of (callersVariable("PATH") || DEFAULT_PATH).split(":")) {
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/${name}`;
    const status = tryStat(path);
    if (typeof status === "number" || status.type !== S_IFREG) continue;
    if (syscall(SYS.faccessat2, AT_FDCWD, cstring(path), X_OK, AT_EACCESS) === 0) return path;
  }
  return undefined;
}
