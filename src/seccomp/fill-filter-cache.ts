/** What {@link cachedFilter} does when it finds nothing: compile, write the entry, and keep the cache small. */
import { readdirSync, statSync } from "node:fs";
import { errnoName } from "../../native-bindings/errno.ts";
import {
  close,
  mkdirs,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  open,
  readText,
  rename,
  tryStat,
  tryUnlink,
  writeAll,
} from "../../native-bindings/files.ts";
import { ownPid } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { auditArch, nativeToken } from "./architectures.ts";
import { compileFilter } from "./compile-filter.ts";
import {
  type CompiledSeccomp,
  encodeEntry,
  type LibraryIdentity,
  libraryIdentity,
  openPrivateDirectory,
} from "./filter-cache.ts";
import { FLAG_NEW_LISTENER, filterFlags } from "./flags.ts";
import { soname } from "./libseccomp.ts";
import { restrictedCalls } from "./simulate-filter.ts";

/** An engine has a handful of profiles; this many are some hundred kilobytes. */
const MAX_ENTRIES = 64;

/** Compiles the section, and writes it to the cache where that is possible. */
export function compileAndKeep(seccomp: LinuxSeccomp, cacheDirectory: string, name: string): CompiledSeccomp {
  const flags = filterFlags(seccomp);
  const { bpf } = compileFilter(seccomp);
  const listener = (flags & FLAG_NEW_LISTENER) !== 0;
  const restricted = restrictedCalls(bpf, auditArch(nativeToken()), Object.values(SYS));
  const library = loadedLibrary();
  const obstacle =
    library === undefined
      ? "the library's file is not known"
      : keep(cacheDirectory, name, encodeEntry({ flags, listener, restricted, library }, bpf));
  const origin = obstacle === undefined ? "compiled" : `compiled, not cached in ${cacheDirectory}: ${obstacle}`;
  return { bpf, flags, listener, restricted, origin };
}

/** The file that libseccomp was loaded from, from the memory map: proc_pid_maps(5), the path is what follows the inode. */
function loadedLibrary(): LibraryIdentity | undefined {
  for (const line of readText("/proc/self/maps").split("\n")) {
    const path = line.slice(line.indexOf("/"));
    if (!path.includes(`/${soname}`)) continue;
    const status = tryStat(path);
    return typeof status === "number" ? undefined : libraryIdentity(path, status);
  }
  return undefined;
}

/** Writes an entry. Returns why it could not: a start does not fail for want of a cache. */
function keep(cacheDirectory: string, name: string, entry: Uint8Array): string | undefined {
  try {
    mkdirs(cacheDirectory, 0o700);
    const directory = openPrivateDirectory(cacheDirectory);
    if (typeof directory === "string") return directory;
    try {
      writeEntry(`/proc/self/fd/${directory}`, name, entry);
    } finally {
      close(directory);
    }
    return undefined;
  } catch (error) {
    if (error instanceof SystemError) return `${error.call}: ${errnoName(error.errno)}`;
    throw error;
  }
}

/** Two starts may write the same entry at once: each writes a file of its own, and rename makes one of them the entry. */
function writeEntry(directory: string, name: string, entry: Uint8Array): void {
  const temporary = `${directory}/.${name}.${ownPid()}`;
  const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      writeAll(fd, entry, name);
    } finally {
      close(fd);
    }
    rename(temporary, `${directory}/${name}`);
  } catch (error) {
    tryUnlink(temporary);
    throw error;
  }
  removeOldest(directory);
}

/** Files beyond {@link MAX_ENTRIES}, oldest first, among them what an interrupted start has left. */
function removeOldest(directory: string): void {
  const names = readdirSync(directory);
  if (names.length <= MAX_ENTRIES) return;
  const aged = names.map((name) => {
    const path = `${directory}/${name}`;
    // Another start may be removing the same ones.
    return { path, writtenMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  aged.sort((one, other) => one.writtenMs - other.writtenMs);
  for (const { path } of aged.slice(0, names.length - MAX_ENTRIES)) tryUnlink(path);
}
