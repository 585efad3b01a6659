import { RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from "../../native-bindings/constants.ts";
import { close, fstat, O_CLOEXEC, O_DIRECTORY, O_PATH, open } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

/**
 * The mode of a directory of the image, or undefined when there is none. Nothing relies on it: init looks at what it really covers.
 *
 * @param destination relative to the root, in which it is looked up.
 */
export function coveredMode(rootfs: string, destination: string): number | undefined {
  const root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  try {
    const flags = BigInt(O_PATH | O_DIRECTORY | O_CLOEXEC);
    const how = new BigUint64Array([flags, 0n, BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)]);
    const fd = syscall(SYS.openat2, root, cstring(destination), addressOf(how), 24);
    if (fd < 0) return undefined;
    try {
      return fstat(fd).mode;
    } finally {
      close(fd);
    }
  } finally {
    close(root);
  }
}
