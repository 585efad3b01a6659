/**
 * koffi, for the libraries that are not the C library's system calls: libseccomp, libsystemd, libcriu, getpwuid(3) ...
 *
 * Loaded on first use only. Its addon is part of the executable; the engine would unpack an embedded addon to a predictable
 * name in the temporary directory, where another user can plant one, so it is unpacked here: once, into a directory that
 * nobody else can write, verified before every load.
 */
import type { LibraryHandle } from "koffi";
import addonPath from "../build/koffi.addon" with { type: "file" };
import { callersVariable } from "./caller-words.ts";
import { EEXIST } from "./errno.ts";
import {
  close,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
  open,
  rename,
  S_IFDIR,
  S_IFREG,
  tryLstat,
  tryMkdir,
  tryOpen,
  tryUnlink,
  writeAll,
} from "./files.ts";
import { ownPid, syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** The part of koffi's interface that its addon exports and this project uses. */
export interface Koffi {
  load(library: string): LibraryHandle;
  decode(pointer: unknown, type: string, length?: number): unknown;
  decode(pointer: unknown, offset: number, type: string): unknown;
  address(pointer: unknown): bigint;
  errno(): number;
}

export type { LibraryHandle };

let loaded: Koffi | undefined;

/** koffi itself. @throws Error when the addon can neither be unpacked nor loaded. */
export function koffi(): Koffi {
  if (loaded === undefined) {
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, addonPath.startsWith("/$bunfs/") ? unpacked() : addonPath);
    loaded = module.exports as Koffi;
  }
  return loaded;
}

/** A path of the addon that only this user (or root) can have written. */
function unpacked(): string {
  const uid = syscall(SYS.geteuid);
  const parent = uid === 0 ? "/run" : callersVariable("XDG_RUNTIME_DIR");
  if (parent) {
    const directory = `${parent}/runts-addon`;
    // The embedded path ends in a hash of the content.
    const path = `${directory}/${addonPath.slice(addonPath.lastIndexOf("/") + 1)}`;
    if (isPrivate(directory, S_IFDIR, uid) && isPrivate(path, S_IFREG, uid)) return path;
    const made = tryMkdir(directory, 0o700);
    if ((made === 0 || made === -EEXIST) && isPrivate(directory, S_IFDIR, uid) && unpackTo(path)) return path;
  }
  return unpackUnnamed();
}

function isPrivate(path: string, type: number, uid: number): boolean {
  const status = tryLstat(path);
  return typeof status !== "number" && status.type === type && status.uid === uid && (status.mode & 0o022) === 0;
}

function embedded(): Uint8Array {
  return require("node:fs").readFileSync(addonPath);
}

/** Two processes may unpack at once: each writes its own file, and rename makes one of them the file. */
function unpackTo(path: string): boolean {
  const temporary = `${path}.${ownPid()}`;
  const fd = tryOpen(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o500);
  if (fd < 0) return false;
  try {
    writeAll(fd, embedded(), temporary);
    rename(temporary, path);
    return true;
  } catch {
    tryUnlink(temporary);
    return false;
  } finally {
    close(fd);
  }
}

/** No private directory: a file without a name, gone with this process. 1.7 ms more than a file that is there. */
function unpackUnnamed(): string {
  const fd = open("/tmp", O_TMPFILE | O_RDWR, 0o500);
  writeAll(fd, embedded(), "koffi's addon");
  // Not /proc/self: the call module (libc.ts) may have had the same number, and dlopen(3) takes an equal name for the same library.
  return `/proc/thread-self/fd/${fd}`;
}
