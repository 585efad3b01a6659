/**
 * The compiled filter of a seccomp section, from a cache of earlier ones where that can be.
 *
 * Compiling loads koffi and libseccomp and takes some milliseconds; containers of one engine share a profile, so nearly
 * every start finds its filter here, at the price of reading one file. An entry is a file named after the SHA-256 of
 * everything that the filter depends on: the section, the architecture and the kernel (which decides what flags and actions
 * there are). The library is the exception: finding it means loading it. So an entry holds the path and identity of the
 * library that made it, which one statx(2) verifies: a package upgrade replaces that file, and the entry is made anew.
 */
import { ENOENT } from "../../native-bindings/errno.ts";
import {
  close,
  type FileStatus,
  fstat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  readAll,
  S_IFREG,
  tryOpen,
  tryOpenAt,
  tryStat,
} from "../../native-bindings/files.ts";
import { addressOf, syscall, text, utf8 } from "../../native-bindings/libc.ts";
import { hostArch, SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { RestrictedCalls } from "./simulate-filter.ts";

/** A filter and how to load it. */
export interface CompiledSeccomp {
  /** struct sock_filter after struct sock_filter. */
  readonly bpf: Uint8Array;
  /** SECCOMP_FILTER_FLAG_* for seccomp(2). */
  readonly flags: number;
  /** A rule is SCMP_ACT_NOTIFY: loading the filter gives a descriptor that goes to `listenerPath`. */
  readonly listener: boolean;
  /** Of the system calls that the runtime knows (SYS), those that this filter does not simply let through. */
  readonly restricted: RestrictedCalls;
  /** Where it came from, for the debug log: "cached", "compiled", or why it could not be kept. */
  readonly origin: string;
}

/** The part of an entry that is not the filter. */
export interface EntryHeader {
  readonly flags: number;
  readonly listener: boolean;
  readonly restricted: RestrictedCalls;
  readonly library: LibraryIdentity;
}

export interface LibraryIdentity {
  /** After symbolic links: it ends in the version. */
  readonly path: string;
  readonly inode: number;
  readonly size: number;
  readonly holder: string;
}

/** An entry: the SHA-256 of the rest, as 64 hexadecimal digits, then a line of JSON, then the filter. */
const DIGEST_CHARACTERS = 64;
const NEWLINE = 10;
/** The longest filter is 32 KiB; the header lists at most the calls of SYS. */
const MAX_ENTRY_BYTES = 64 << 10;

/** True when the section asks for nothing: callers write an empty one for "no seccomp", as runc takes it. */
export function seccompIsOff(seccomp: LinuxSeccomp): boolean {
  return !seccomp.defaultAction && (seccomp.syscalls === undefined || seccomp.syscalls.length === 0);
}

/**
 * The filter of `seccomp`.
 *
 * @param cacheDirectory made (0700) when it is missing. One that others can enter is not used: what is read from it is loaded
 *   into the kernel as it is.
 * @throws RuntimeFault for what is wrong in the section, or when libseccomp is needed and missing. Never for the cache.
 */
export function cachedFilter(seccomp: LinuxSeccomp, cacheDirectory: string): CompiledSeccomp {
  const name = entryName(seccomp);
  let compiled = readEntry(cacheDirectory, name);
  if (compiled === undefined) {
    const fill = require("./fill-filter-cache.ts") as typeof import("./fill-filter-cache.ts");
    compiled = fill.compileAndKeep(seccomp, cacheDirectory, name);
  }
  if (compiled.listener && !seccomp.listenerPath) {
    throw new RuntimeFault({ what: "seccomp listenerPath is not set", where: "/linux/seccomp/listenerPath" });
  }
  return compiled;
}

/** SHA-256 of bytes, as hexadecimal digits. */
export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const part of parts) hasher.update(part);
  return hasher.digest("hex");
}

/** The entry's file name. `flags` absent and `flags` empty mean different things, and are null and [] here. */
function entryName(seccomp: LinuxSeccomp): string {
  const { defaultAction, defaultErrnoRet, architectures, flags, syscalls } = seccomp;
  const section = [defaultAction, defaultErrnoRet, architectures, flags, syscalls];
  // A replacer is called for every name in the profile, so only where there is something for it to do.
  const json = JSON.stringify(
    section,
    holdsBigint(seccomp) ? (_, v) => (typeof v === "bigint" ? `${v}n` : v) : undefined,
  );
  return digest("filter 1\n", hostArch, kernel(), json);
}

function holdsBigint(seccomp: LinuxSeccomp): boolean {
  for (const rule of seccomp.syscalls ?? []) {
    for (const arg of rule.args ?? []) {
      if (typeof arg.value === "bigint" || typeof arg.valueTwo === "bigint") return true;
    }
  }
  return false;
}

/** The kernel's release, version and machine: struct new_utsname, six fields of 65 bytes, uname(2). */
function kernel(): Uint8Array {
  const names = new Uint8Array(6 * 65);
  syscall(SYS.uname, addressOf(names));
  return names.subarray(2 * 65, 5 * 65);
}

/**
 * The cache directory as a descriptor (O_PATH), or why it is not used.
 *
 * What is verified is what is used: everything below goes through this descriptor.
 */
export function openPrivateDirectory(path: string): number | string {
  const fd = tryOpen(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return fd === -ENOENT ? "it does not exist" : `it cannot be opened (errno ${-fd})`;
  const status = fstat(fd);
  if (status.uid === syscall(SYS.geteuid) && (status.mode & 0o077) === 0) return fd;
  close(fd);
  return `it is not private (owner ${status.uid}, mode 0${status.mode.toString(8)})`;
}

/** The entry, when there is one that can be trusted and its library is still there. */
function readEntry(cacheDirectory: string, name: string): CompiledSeccomp | undefined {
  const directory = openPrivateDirectory(cacheDirectory);
  if (typeof directory === "string") return undefined;
  const fd = tryOpenAt(directory, name, O_RDONLY | O_NOFOLLOW);
  close(directory);
  if (fd < 0) return undefined;
  try {
    const status = fstat(fd);
    if (status.type !== S_IFREG || status.size > MAX_ENTRY_BYTES) return undefined;
    return decodeEntry(readAll(fd, name, MAX_ENTRY_BYTES));
  } finally {
    close(fd);
  }
}

function decodeEntry(entry: Uint8Array): CompiledSeccomp | undefined {
  const content = entry.subarray(DIGEST_CHARACTERS);
  if (text(entry.subarray(0, DIGEST_CHARACTERS)) !== digest(content)) return undefined;
  const end = content.indexOf(NEWLINE);
  const header = JSON.parse(text(content.subarray(0, end))) as EntryHeader;
  if (!isThere(header.library)) return undefined;
  const { flags, listener, restricted } = header;
  return { bpf: content.slice(end + 1), flags, listener, restricted, origin: "cached" };
}

/** What {@link decodeEntry} reads. */
export function encodeEntry(header: EntryHeader, bpf: Uint8Array): Uint8Array {
  const line = utf8(`${JSON.stringify(header)}\n`);
  const sum = utf8(digest(line, bpf));
  const entry = new Uint8Array(sum.length + line.length + bpf.length);
  entry.set(sum);
  entry.set(line, sum.length);
  entry.set(bpf, sum.length + line.length);
  return entry;
}

function isThere(library: LibraryIdentity): boolean {
  const status = tryStat(library.path);
  if (typeof status === "number") return false;
  const { inode, size, holder } = libraryIdentity(library.path, status);
  return inode === library.inode && size === library.size && holder === library.holder;
}

/** What tells one library file from another. */
export function libraryIdentity(path: string, status: FileStatus): LibraryIdentity {
  const { inode, size, holderMajor, holderMinor } = status;
  return { path, inode, size, holder: `${holderMajor}:${holderMinor}` };
}
