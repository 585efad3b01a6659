/**
 * Files by system call: what the runtime reads and writes on its hot path, without the cost of importing `node:fs`.
 *
 * Every function throws {@link SystemError} with the call, the path and the errno, unless its name says otherwise.
 */
import { EEXIST, EINTR, ENOENT, ENOTDIR } from "./errno.ts";
import { addressOf, cstring, syscall, syscallRetry, text, utf8 } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

export const AT_FDCWD = -100;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
/** These three differ between x86_64 and aarch64. */
const arm = process.arch === "arm64";
export const O_DIRECTORY = arm ? 0o40000 : 0o200000;
export const O_NOFOLLOW = arm ? 0o100000 : 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

export const S_IFMT = 0o170000;

function fail(call: string, path: string, result: number): never {
  throw new SystemError(call, JSON.stringify(path), -result);
}

/** open(2), close-on-exec always. Returns the descriptor, or a negative errno. */
export function tryOpen(path: string, flags: number, mode = 0): number {
  return syscallRetry(SYS.openat, AT_FDCWD, cstring(path), flags | O_CLOEXEC, mode);
}

/** open(2), close-on-exec always. */
export function open(path: string, flags: number, mode = 0): number {
  const fd = tryOpen(path, flags, mode);
  return fd < 0 ? fail("open", path, fd) : fd;
}

/** openat(2) below a directory descriptor, close-on-exec always. Returns the descriptor, or a negative errno. */
export function tryOpenAt(directory: number, name: string, flags: number, mode = 0): number {
  return syscallRetry(SYS.openat, directory, cstring(name), flags | O_CLOEXEC, mode);
}

/** close(2). Errors are of no use to anyone here. */
export function close(fd: number): void {
  syscall(SYS.close, fd);
}

let chunk = new Uint8Array(0);
let chunkAddress = 0;

/** The read buffer, made on first use. 16 KiB holds every file of the hot path in one read. */
function buffer(): Uint8Array {
  if (chunk.length === 0) {
    chunk = new Uint8Array(16384);
    chunkAddress = addressOf(chunk);
  }
  return chunk;
}

/**
 * Everything from the descriptor's position to its end.
 *
 * @param limitBytes throws EFBIG (27) beyond that, so that a hostile file cannot exhaust memory.
 */
export function readAll(fd: number, name: string, limitBytes = 64 << 20): Uint8Array {
  const into = buffer();
  let collected: Uint8Array | undefined;
  for (;;) {
    const count = syscallRetry(SYS.read, fd, chunkAddress, into.length);
    if (count < 0) fail("read", name, count);
    if (count === 0) return collected ?? new Uint8Array(0);
    const part = into.slice(0, count);
    if (collected === undefined) {
      collected = part;
    } else {
      const joined = new Uint8Array(collected.length + count);
      joined.set(collected);
      joined.set(part, collected.length);
      collected = joined;
    }
    if (collected.length > limitBytes) fail("read", name, -27);
  }
}

/** A whole file's text, or undefined when it does not exist (ENOENT, ENOTDIR). */
export function readTextIfThere(path: string): string | undefined {
  const fd = tryOpen(path, O_RDONLY);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  if (fd < 0) fail("open", path, fd);
  try {
    return text(readAll(fd, path));
  } finally {
    close(fd);
  }
}

/** A whole file's text. */
export function readText(path: string): string {
  const content = readTextIfThere(path);
  return content === undefined ? fail("open", path, -ENOENT) : content;
}

/** Writes all of `content` to a descriptor. */
export function writeAll(fd: number, content: Uint8Array, name: string): void {
  const address = content.length === 0 ? 0 : addressOf(content);
  for (let done = 0; done < content.length; ) {
    const count = syscallRetry(SYS.write, fd, address + done, content.length - done);
    if (count < 0) fail("write", name, count);
    done += count;
  }
}

/**
 * Writes `content` in one write(2) to a file that exists: what /proc, /sys and cgroup files want.
 *
 * @returns 0, or a negative errno, of open or of write.
 */
export function tryWriteExisting(path: string, content: string): number {
  const fd = tryOpen(path, O_WRONLY);
  if (fd < 0) return fd;
  const bytes = utf8(content);
  const count = syscallRetry(SYS.write, fd, bytes.length === 0 ? 0 : addressOf(bytes), bytes.length);
  close(fd);
  return count < 0 ? count : 0;
}

/** {@link tryWriteExisting}, throwing. The error's argument names the path and the value. */
export function writeExisting(path: string, content: string): void {
  const result = tryWriteExisting(path, content);
  if (result < 0) throw writeError(path, content, result);
}

/** What a negative `result` of {@link tryWriteExisting} is thrown as. */
export function writeError(path: string, content: string, result: number): SystemError {
  return new SystemError("write", `${JSON.stringify(path)}, ${JSON.stringify(content)}`, -result);
}

/**
 * A file that is there whole or not at all: written to `.NAME` beside it (O_EXCL), then renamed.
 *
 * @param mode as for open(2), before the umask.
 */
export function writeFileAtomically(path: string, content: string, mode: number): void {
  const slash = path.lastIndexOf("/");
  const temporary = `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}`;
  const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    try {
      writeAll(fd, utf8(content), temporary);
    } finally {
      close(fd);
    }
    rename(temporary, path);
  } catch (error) {
    tryUnlink(temporary);
    throw error;
  }
}

const RENAME_EXCHANGE = 2;

/** rename(2). */
export function rename(from: string, to: string): void {
  const result = syscall(SYS.renameat2, AT_FDCWD, cstring(from, 0), AT_FDCWD, cstring(to, 1), 0);
  if (result < 0) throw new SystemError("rename", `${JSON.stringify(from)}, ${JSON.stringify(to)}`, -result);
}

/** renameat2(2): the two change places. Returns 0 or a negative errno, EINVAL from a file system that can't do that. */
export function tryExchange(one: string, other: string): number {
  return syscall(SYS.renameat2, AT_FDCWD, cstring(one, 0), AT_FDCWD, cstring(other, 1), RENAME_EXCHANGE);
}

/** unlink(2). Returns 0 or a negative errno. */
export function tryUnlink(path: string): number {
  return syscall(SYS.unlinkat, AT_FDCWD, cstring(path), 0);
}

/** rmdir(2). Returns 0 or a negative errno. */
export function tryRmdir(path: string): number {
  return syscall(SYS.unlinkat, AT_FDCWD, cstring(path), 0x200);
}

/** mkdir(2). Returns 0 or a negative errno. */
export function tryMkdir(path: string, mode: number): number {
  return syscall(SYS.mkdirat, AT_FDCWD, cstring(path), mode);
}

/** mkdir(2). */
export function mkdir(path: string, mode: number): void {
  const result = tryMkdir(path, mode);
  if (result < 0) throw new SystemError("mkdir", `${JSON.stringify(path)}, 0${mode.toString(8)}`, -result);
}

/** mkdir -p. Returns the directories that it made, outermost first, so that they can be undone. */
export function mkdirs(path: string, mode: number): string[] {
  const made: string[] = [];
  const first = tryMkdir(path, mode);
  if (first === 0) return [path];
  if (first === -EEXIST) return made;
  if (first !== -ENOENT) throw new SystemError("mkdir", JSON.stringify(path), -first);
  for (let slash = path.indexOf("/", 1); ; slash = path.indexOf("/", slash + 1)) {
    const prefix = slash < 0 ? path : path.slice(0, slash);
    const result = tryMkdir(prefix, mode);
    if (result === 0) made.push(prefix);
    else if (result !== -EEXIST) throw new SystemError("mkdir", JSON.stringify(prefix), -result);
    if (slash < 0) return made;
  }
}

/** What statx(2) says of a file. Times are left out; sizes are in bytes. */
export interface FileStatus {
  /** S_IF* bits. */
  readonly type: number;
  /** Permission bits, 0 to 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly inode: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Of the file system that holds it. */
  readonly holderMajor: number;
  readonly holderMinor: number;
  readonly mountId: number;
}

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFBLK = 0o060000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
/** STATX_BASIC_STATS | STATX_MNT_ID. */
const STATX_MASK = 0x17ff;

let statxWords = new Uint32Array(0);
let statxAddress = 0;

function statx(directory: number, path: string, flags: number): FileStatus | number {
  if (statxWords.length === 0) {
    statxWords = new Uint32Array(64);
    statxAddress = addressOf(statxWords);
  }
  const result = syscall(SYS.statx, directory, cstring(path), flags, STATX_MASK, statxAddress);
  if (result < 0) return result;
  const word = statxWords;
  // struct statx, statx(2): mode is a u16 at byte 28, ino a u64 at 32, size at 40, rdev at 128, dev at 136, mnt_id at 144.
  const mode = word[7]! & 0xffff;
  return {
    type: mode & S_IFMT,
    mode: mode & 0o7777,
    uid: word[5]!,
    gid: word[6]!,
    inode: word[8]! + word[9]! * 2 ** 32,
    size: word[10]! + word[11]! * 2 ** 32,
    deviceMajor: word[32]!,
    deviceMinor: word[33]!,
    holderMajor: word[34]!,
    holderMinor: word[35]!,
    mountId: word[36]! + word[37]! * 2 ** 32,
  };
}

/** stat(2), following symbolic links. Returns a negative errno when it fails. */
export function tryStat(path: string): FileStatus | number {
  return statx(AT_FDCWD, path, 0);
}

/** lstat(2). Returns a negative errno when it fails. */
export function tryLstat(path: string): FileStatus | number {
  return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
}

/** fstat(2). */
export function fstat(fd: number): FileStatus {
  const status = statx(fd, "", AT_EMPTY_PATH);
  return typeof status === "number" ? fail("fstat", `fd ${fd}`, status) : status;
}

/** True when something is there, following symbolic links. */
export function exists(path: string): boolean {
  return typeof tryStat(path) !== "number";
}

/** readlink(2). Returns undefined when it is not a symbolic link or not there. */
export function readLink(path: string): string | undefined {
  const into = buffer();
  const count = syscall(SYS.readlinkat, AT_FDCWD, cstring(path), chunkAddress, into.length);
  return count < 0 ? undefined : text(into.subarray(0, count));
}

/** One name in a directory. `type` is a DT_* value of getdents64(2): 4 directory, 8 file, 10 link, 1 fifo. */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: number;
}

/** The entries of a directory in the kernel's order, without `.` and `..`. Returns a negative errno when it can't be opened. */
export function tryReadDirectory(path: string): DirectoryEntry[] | number {
  const fd = tryOpen(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return fd;
  const entries: DirectoryEntry[] = [];
  const into = buffer();
  for (;;) {
    const count = syscall(SYS.getdents64, fd, chunkAddress, into.length);
    if (count === -EINTR) continue;
    if (count <= 0) break;
    for (let at = 0; at < count; ) {
      // struct linux_dirent64: d_reclen u16 at 16, d_type u8 at 18, d_name at 19.
      const length = into[at + 16]! | (into[at + 17]! << 8);
      const end = into.indexOf(0, at + 19);
      const name = text(into.subarray(at + 19, end));
      if (name !== "." && name !== "..") entries.push({ name, type: into[at + 18]! });
      at += length;
    }
  }
  close(fd);
  return entries;
}
