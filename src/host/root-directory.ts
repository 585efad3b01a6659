/** root.path, before anything is made: config.md "Root". */
import { RESOLVE_NO_SYMLINKS } from "../../native-bindings/constants.ts";
import { ELOOP } from "../../native-bindings/errno.ts";
import { AT_FDCWD, close, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";

/**
 * The root file system is a directory, and no component of its path a symbolic link: what was checked is what will be mounted,
 * and what is the container's own can be told from what is the host's by path.
 *
 * @param path absolute, clean.
 * @param written as in config.json, for the message.
 * @throws RuntimeFault in runc's words.
 */
export function checkRootDirectory(path: string, written: string): void {
  const how = new Int32Array([O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0, 0, RESOLVE_NO_SYMLINKS, 0]);
  const fd = syscallRetry(SYS.openat2, AT_FDCWD, cstring(path), addressOf(how), 24);
  if (fd >= 0) {
    close(fd);
    return;
  }
  if (fd === -ELOOP) {
    throw new RuntimeFault({
      what: "invalid rootfs: not an absolute path, or a symlink",
      where: "/root/path",
      value: written,
      hint: "give the path without symbolic links: `realpath` prints it",
    });
  }
  throw new RuntimeFault({
    what: `invalid rootfs: stat ${path.length > 256 ? `${path.slice(0, 253)}...` : path}`,
    where: "/root/path",
    value: written,
    errno: -fd,
  });
}
