/** tmpcopyup: the content of the directory that a tmpfs will cover becomes the tmpfs's own. */

import { AT_EMPTY_PATH } from "../../native-bindings/constants.ts";
import {
  close,
  type FileStatus,
  fstat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  tryOpenAt,
  tryReadDirectory,
} from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall, text } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { encodeDevice } from "../plan/steps/devices.ts";

const PATH_MAX = 4096;
/** Deeper trees are no image's: a bound against one that grows while it is read. */
const MAX_DEPTH = 256;

/** Who owns the copy: a status whose uid and gid are -1 where the one who makes it does. */
export type Owner = (status: FileStatus) => FileStatus;

/**
 * Copies everything below `source` to below `target`: directories, files, links, special files, with owner and mode.
 * Extended attributes are left behind.
 *
 * Both are descriptors of directories, and nothing is ever opened by more than one component, without following a link: the
 * source is the image's.
 *
 * @throws SystemError
 */
export function copyTree(source: number, target: number, owner: Owner = (status) => status): void {
  // What came with O_PATH can be neither listed nor written below.
  const from = openAt(source, ".", O_RDONLY | O_DIRECTORY);
  const to = openAt(target, ".", O_RDONLY | O_DIRECTORY);
  try {
    copyDirectory(from, to, 0, owner);
  } finally {
    close(from);
    close(to);
  }
}

function openAt(directory: number, name: string, flags: number, mode = 0): number {
  const fd = tryOpenAt(directory, name, flags, mode);
  if (fd < 0) throw new SystemError("openat", JSON.stringify(name), -fd);
  return fd;
}

function check(call: string, name: string, result: number): void {
  if (result < 0) throw new SystemError(call, JSON.stringify(name), -result);
}

function copyDirectory(from: number, to: number, depth: number, owner: Owner): void {
  if (depth > MAX_DEPTH) throw new SystemError("copy", `more than ${MAX_DEPTH} directories deep`, 40);
  const entries = tryReadDirectory(`/proc/self/fd/${from}`);
  if (typeof entries === "number") throw new SystemError("getdents64", "the directory below a tmpfs", -entries);
  for (const { name } of entries) {
    const handle = openAt(from, name, O_PATH | O_NOFOLLOW);
    try {
      const status = owner(fstat(handle));
      copyEntry(from, to, name, handle, status, depth, owner);
    } finally {
      close(handle);
    }
  }
}

function copyEntry(
  from: number,
  to: number,
  name: string,
  handle: number,
  status: FileStatus,
  depth: number,
  owner: Owner,
): void {
  const { type, mode } = status;
  if (type === S_IFLNK) {
    const buffer = new Uint8Array(PATH_MAX);
    const length = syscall(SYS.readlinkat, handle, cstring(""), addressOf(buffer), PATH_MAX);
    check("readlink", name, length);
    check("symlink", name, syscall(SYS.symlinkat, cstring(text(buffer.subarray(0, length)), 1), to, cstring(name)));
    own(to, name, status);
    return;
  }
  if (type === S_IFDIR) {
    check("mkdir", name, syscall(SYS.mkdirat, to, cstring(name), 0o700));
    const source = openAt(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const made = openAt(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    copyDirectory(source, made, depth + 1, owner);
    finish(made, name, status);
    close(source);
    close(made);
    return;
  }
  if (type === S_IFREG) {
    const source = openAt(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const made = openAt(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    copyContent(source, made, name);
    finish(made, name, status);
    close(source);
    close(made);
    return;
  }
  const device = encodeDevice(status.deviceMajor, status.deviceMinor);
  check("mknod", name, syscall(SYS.mknodat, to, cstring(name), type | 0o600, device));
  own(to, name, status);
  // The caller's umask took its part of the mode.
  check("chmod", name, syscall(SYS.fchmodat, to, cstring(name), mode));
}

function own(directory: number, name: string, { uid, gid }: FileStatus): void {
  const AT_SYMLINK_NOFOLLOW = 0x100;
  check("chown", name, syscall(SYS.fchownat, directory, cstring(name), uid, gid, AT_SYMLINK_NOFOLLOW));
}

function finish(fd: number, name: string, { uid, gid, mode }: FileStatus): void {
  check("chown", name, syscall(SYS.fchownat, fd, cstring(""), uid, gid, AT_EMPTY_PATH));
  // After the owner: a change of owner clears set-user-ID bits.
  check("chmod", name, syscall(SYS.fchmod, fd, mode));
}

function copyContent(source: number, target: number, name: string): void {
  const CHUNK = 1 << 20;
  for (;;) {
    const count = syscall(SYS.sendfile, target, source, 0, CHUNK);
    check("sendfile", name, count);
    if (count === 0) return;
  }
}
