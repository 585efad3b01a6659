import {
  close,
  fstat,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  readAll,
  S_IFREG,
  tryOpen,
} from "../../native-bindings/files.ts";
import { text } from "../../native-bindings/libc.ts";
import { openInRoot } from "../../native-bindings/open-in-root.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

/** A hostile image must not make the runtime read for ever. */
const PASSWD_LIMIT_BYTES = 1 << 20;

/**
 * The home directory of `uid` by the container's /etc/passwd; "/" when there is none. passwd(5).
 *
 * The file is the image's: opened inside the root whatever its links say, without blocking, and only if it is a regular file
 * of sensible size. Numbers are ids, never looked up as names (CVE-2016-3697).
 *
 * @param source a host path that is bound over the container's /etc/passwd, if one is.
 */
export function homeDirectory(rootfs: string, uid: number, source?: string): string {
  const content =
    source === undefined ? readInRoot(rootfs, "etc/passwd") : readBounded(tryOpen(source, O_NONBLOCK | O_NOCTTY));
  if (content === undefined) return "/";
  const wanted = String(uid);
  for (const line of content.split("\n")) {
    const fields = line.split(":");
    if (fields.length >= 6 && fields[2] === wanted) return fields[5] || "/";
  }
  return "/";
}

function readInRoot(rootfs: string, path: string): string | undefined {
  const root = tryOpen(rootfs, O_PATH | O_DIRECTORY);
  if (root < 0) return undefined;
  const fd = openInRoot(root, path, O_NONBLOCK | O_NOCTTY);
  close(root);
  return readBounded(fd);
}

function readBounded(fd: number): string | undefined {
  if (fd < 0) return undefined;
  try {
    if (fstat(fd).type !== S_IFREG) return undefined;
    return text(readAll(fd, "/etc/passwd", PASSWD_LIMIT_BYTES));
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  } finally {
    close(fd);
  }
}
