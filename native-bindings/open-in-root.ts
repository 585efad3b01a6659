import { RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from "./constants.ts";
import { EAGAIN } from "./errno.ts";
import { O_CLOEXEC } from "./files.ts";
import { addressOf, cstring, syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** A look-up takes microseconds: who renames that often, that long, is a case for the caller's error. */
const MOST_TRIES = 10_000;

/**
 * Opens a path with `root` (a descriptor) for its root directory: absolute symbolic links and `..` do not lead out of it.
 * openat2(2).
 *
 * Tried again for EAGAIN: something was renamed or mounted anywhere on the host while a `..` was looked up.
 *
 * @param flags O_*; O_CLOEXEC is added.
 * @returns a descriptor, or a negative errno.
 */
export function openInRoot(root: number, path: string, flags: number): number {
  // struct open_how: flags, mode, resolve, 64 bits each.
  const how = new Uint32Array([flags | O_CLOEXEC, 0, 0, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 0]);
  for (let tries = 1; ; tries++) {
    const fd = syscall(SYS.openat2, root, cstring(path), addressOf(how), 24);
    if (fd !== -EAGAIN || tries === MOST_TRIES) return fd;
  }
}
