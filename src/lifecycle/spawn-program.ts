import {
  F_ADD_SEALS,
  F_SEAL_ALL,
  F_SETFD,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
} from "../../native-bindings/constants.ts";
import { EACCES, EINVAL } from "../../native-bindings/errno.ts";
import { close, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, open, tryUnlink, writeAll } from "../../native-bindings/files.ts";
import { addressOf, cstring, ownPid, syscall, utf8 } from "../../native-bindings/libc.ts";
import { posixSpawn } from "../../native-bindings/spawn.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import { buildImage } from "../program/image.ts";

/** What a program is started with. */
export interface Spawned {
  readonly program: ProgramBuilder;
  /** The lowest descriptor number that is the program's; those below go to the container's process as they are. */
  readonly firstOwn: number;
  /** Descriptors of this process that the program is given, and the addresses of the words where it looks for their numbers. */
  readonly descriptors: readonly number[];
  readonly sources: readonly number[];
  /** Where the image goes when the kernel forbids executable memfds (vm.memfd_noexec=2). */
  readonly stateDirectory: string;
}

/**
 * Starts a program: its image in a sealed memfd, with the descriptors that it is given. It closes all others itself, and gives
 * every signal its default disposition.
 *
 * posix_spawn(3) is vfork underneath: safe in the engine's threads.
 *
 * @returns the new process's pid; it is a child of this one.
 */
export function spawnProgram({ program, firstOwn, descriptors, sources, stateDirectory }: Spawned): number {
  const end = firstOwn + descriptors.length;
  const passed: number[] = [];
  let executable = -1;
  try {
    // Close-on-exec goes: the engine sets it even on what it was given. One of ours that was taken for closed stays so.
    for (let fd = 0; fd < firstOwn; fd++) syscall(SYS.fcntl, fd, F_SETFD, 0);
    for (let i = 0; i < descriptors.length; i++) {
      passed.push(inheritable(descriptors[i]!, end));
      program.setWord(sources[i]!, passed[i]!);
    }
    const image = buildImage(program);
    executable = sealedMemfd(image);
    let pid = spawn(executable);
    if (pid < 0) {
      // vm.memfd_noexec=2: sealed memory can't be executed; a file without a name can.
      close(executable);
      executable = unnamedFile(image, stateDirectory);
      pid = spawn(executable);
    }
    if (pid < 0) throw new SystemError("posix_spawn", "the container's program", -pid);
    return pid;
  } finally {
    for (const fd of passed) close(fd);
    if (executable >= 0) close(executable);
  }
}

/** A copy that is passed on, above every number that the program copies to. */
function inheritable(fd: number, least: number): number {
  const F_DUPFD = 0;
  const copy = syscall(SYS.fcntl, fd, F_DUPFD, least);
  if (copy < 0) throw new SystemError("fcntl", `${fd}, F_DUPFD, ${least}`, -copy);
  return copy;
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
  const path = `${directory}/program.${ownPid()}`;
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

/** Returns the pid, or a negative errno. */
function spawn(executable: number): number {
  const argv0 = utf8("runts init\0");
  const argv = new BigUint64Array([BigInt(addressOf(argv0)), 0n]);
  const environment = new BigUint64Array([0n]);
  const pid = new Int32Array(1);
  const path = cstring(`/proc/self/fd/${executable}`);
  const errno = posixSpawn(addressOf(pid), path, 0, 0, addressOf(argv), addressOf(environment));
  return errno === 0 ? pid[0]! : -errno;
}
