import { AT_EMPTY_PATH } from "../../native-bindings/constants.ts";
import { AT_FDCWD, mkdir, O_NOFOLLOW, O_RDWR, open, S_IFIFO } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { execFifoName, resultDirectoryName, resultFifoName } from "../state/status.ts";

/**
 * Makes the FIFO that start writes to, and the one that tells start how it went, and opens both for reading and writing.
 *
 * @param directory the container's.
 * @param owner the container's root, by its number on the host.
 * @param given gets them, as "fifo" and "result".
 * @throws SystemError
 */
export function makeFifos(directory: string, owner: number, given: Map<string, number>): void {
  mkdir(`${directory}/${resultDirectoryName}`, 0o700);
  for (const [name, file] of [
    ["fifo", execFifoName],
    ["result", resultFifoName],
  ] as const) {
    const path = `${directory}/${file}`;
    const made = syscall(SYS.mknodat, AT_FDCWD, cstring(path), S_IFIFO | 0o600, 0);
    if (made < 0) throw new SystemError("mkfifo", JSON.stringify(path), -made);
    const fd = open(path, O_RDWR | O_NOFOLLOW);
    given.set(name, fd);
    // As runc's does: who is root in the container may be asked to open it.
    if (owner !== 0) syscall(SYS.fchownat, fd, cstring(""), owner, -1, AT_EMPTY_PATH);
  }
}
