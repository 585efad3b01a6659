import {
  F_ADD_SEALS,
  F_DUPFD_CLOEXEC,
  F_SEAL_ALL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
} from "../../native-bindings/constants.ts";
import { EACCES, EINVAL } from "../../native-bindings/errno.ts";
import { close, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, open, tryUnlink, writeAll } from "../../native-bindings/files.ts";
import { addressOf, cstring, libc, syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

/** Sizes in glibc, x86_64 and aarch64 alike: generous. */
const SPAWNATTR_BYTES = 512;
const FILE_ACTIONS_BYTES = 128;
const SIGSET_BYTES = 128;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;

/**
 * Starts a program: its image in a sealed memfd, `descriptors[i]` as descriptor `first + i`, nothing else of ours.
 *
 * posix_spawn(3) is vfork underneath: safe in the engine's threads. Every signal gets its default disposition and none is
 * blocked: the engine ignores SIGPIPE and SIGXFSZ, glibc's own spawn leaves 32 and 33 ignored.
 *
 * @param stateDirectory where the image goes when the kernel forbids executable memfds (vm.memfd_noexec=2).
 * @returns the new process's pid; it is a child of this one.
 */
export function spawnProgram(
  image: Uint8Array,
  first: number,
  descriptors: readonly number[],
  stateDirectory: string,
): number {
  const end = first + descriptors.length;
  const moved: number[] = [];
  /** The spawned process copies one number onto the next: a source must not be a target of an earlier copy. */
  const outOfTheWay = (fd: number): number => {
    if (fd >= end) return fd;
    const high = syscall(SYS.fcntl, fd, F_DUPFD_CLOEXEC, end);
    if (high < 0) throw new SystemError("fcntl", `${fd}, F_DUPFD_CLOEXEC, ${end}`, -high);
    moved.push(high);
    return high;
  };
  const executable = outOfTheWay(sealedMemfd(image));
  try {
    const sources = descriptors.map(outOfTheWay);
    const result = spawn(executable, first, sources);
    // vm.memfd_noexec=2: sealed memory can't be executed; a file without a name can.
    if (typeof result === "number") return result;
    const file = outOfTheWay(unnamedFile(image, stateDirectory));
    moved.push(file);
    const second = spawn(file, first, sources);
    if (typeof second === "number") return second;
    throw new SystemError("posix_spawn", "the container's program", second.errno);
  } finally {
    close(executable);
    for (const fd of moved) if (fd !== executable) close(fd);
  }
}

function sealedMemfd(image: Uint8Array): number {
  // The name is what /proc/PID/exe shows.
  const name = cstring("runts");
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  let fd = syscall(SYS.memfd_create, name, flags | MFD_EXEC);
  // MFD_EXEC is of Linux 6.3; before it every memfd is executable.
  if (fd === -EINVAL || fd === -EACCES) fd = syscall(SYS.memfd_create, name, flags);
  if (fd < 0) throw new SystemError("memfd_create", `"runts"`, -fd);
  writeAll(fd, image, "memfd");
  const sealed = syscall(SYS.fcntl, fd, F_ADD_SEALS, F_SEAL_ALL);
  if (sealed < 0) throw new SystemError("fcntl", `${fd}, F_ADD_SEALS`, -sealed);
  return fd;
}

/** The image in a file that is unlinked at once and open for reading only: a writer would make it "text file busy". */
function unnamedFile(image: Uint8Array, directory: string): number {
  const path = `${directory}/program.${process.pid}`;
  const writer = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o500);
  try {
    writeAll(writer, image, path);
  } finally {
    close(writer);
  }
  try {
    return open(path, O_RDONLY);
  } finally {
    tryUnlink(path);
  }
}

function spawn(executable: number, first: number, sources: readonly number[]): number | { errno: number } {
  const attributeBytes = new Uint8Array(SPAWNATTR_BYTES);
  const actionBytes = new Uint8Array(FILE_ACTIONS_BYTES);
  const attributes = addressOf(attributeBytes);
  const actions = addressOf(actionBytes);
  const noSignals = new Uint8Array(SIGSET_BYTES);
  const allSignals = new Uint8Array(SIGSET_BYTES).fill(255);
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  libc.posix_spawnattr_setsigmask(attributes, addressOf(noSignals));
  libc.posix_spawnattr_setsigdefault(attributes, addressOf(allSignals));
  libc.posix_spawn_file_actions_init(actions);
  for (let i = 0; i < sources.length; i++) libc.posix_spawn_file_actions_adddup2(actions, sources[i]!, first + i);
  const argv0 = utf8("runts init\0");
  const argv = new BigUint64Array([BigInt(addressOf(argv0)), 0n]);
  const environment = new BigUint64Array([0n]);
  const pid = new Int32Array(1);
  const path = cstring(`/proc/self/fd/${executable}`);
  const errno = libc.posix_spawn(addressOf(pid), path, actions, attributes, addressOf(argv), addressOf(environment));
  libc.posix_spawn_file_actions_destroy(actions);
  return errno === 0 ? pid[0]! : { errno };
}
