import { AT_EACCESS } from "../../native-bindings/constants.ts";
import { AT_FDCWD, S_IFREG, tryStat } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";

/** Where criu is when the caller gives no PATH: some engines run the runtime with an empty environment. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The path of criu. Relative entries of PATH are left out: the working directory is a bundle, which anyone may have made.
 *
 * @throws RuntimeFault when it is not installed.
 */
export function findCriu(): string {
  for (const directory of (process.env.PATH || DEFAULT_PATH).split(":")) {
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/criu`;
    const status = tryStat(path);
    if (typeof status === "number" || status.type !== S_IFREG) continue;
    const X_OK = 1;
    if (syscall(SYS.faccessat2, AT_FDCWD, cstring(path), X_OK, AT_EACCESS) === 0) return path;
  }
  throw new RuntimeFault({
    what: 'CRIU version check failed: exec: "criu": executable file not found in $PATH',
    hint: "checkpoint and restore are done by criu (https://criu.org), which is not installed",
  });
}
