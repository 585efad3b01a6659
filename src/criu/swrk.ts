/**
 * A `criu swrk` process: criu as a worker for one request, over a SOCK_SEQPACKET socket that it was given.
 *
 * It is started as a program of its own, as a hook is, so that it has nothing of the engine. Unlike a hook it does not end with the
 * runtime: a criu that is killed in the middle of a dump would leave the container's processes stopped. It notices that nobody
 * listens any more, and lets them go on.
 */

import { callersEnvironment } from "../../native-bindings/caller-words.ts";
import {
  CLONE_NEWNS,
  MFD_CLOEXEC,
  MS_BIND,
  MS_REC,
  MS_SLAVE,
  SOCK_SEQPACKET,
  WALL,
} from "../../native-bindings/constants.ts";
import { close, O_DIRECTORY, O_RDONLY, open, readLink } from "../../native-bindings/files.ts";
import { inheritedOpenFiles } from "../../native-bindings/inherited.ts";
import { addressOf, cstring, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { receiveWithDescriptors, socketPair } from "../../native-bindings/unix-socket.ts";
import { spawnProgram } from "../lifecycle/spawn-program.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { MESSAGE_BYTES } from "../program/layout.ts";
import { becomeOther, beginSeparate } from "../program/separate-process.ts";
import { RuntimeFault } from "../report/fault.ts";
import { waitForEnd } from "../state/process-identity.ts";

export interface SwrkOptions {
  /** The path of criu. */
  readonly path: string;
  /** Standard input, output and error. */
  readonly streams: readonly [number, number, number];
  /** More descriptors of this process: criu has them from {@link FIRST_EXTRA} on. */
  readonly extra: readonly number[];
  /**
   * A directory to bind somewhere in a mount namespace of criu's own, where only criu sees it: nothing of it can be left
   * behind. Undefined leaves criu in the runtime's mount namespace.
   */
  readonly bind: { readonly source: string; readonly target: string } | undefined;
}

export interface Swrk {
  readonly pid: number;
  readonly pidfd: number;
  /** This process's end of the socket. */
  readonly socket: number;
  /** Takes what kept criu from being started. */
  readonly failure: number;
  readonly path: string;
}

/** criu's end of the socket: its number in criu. */
const SOCKET = 3;
/** The number that the first of {@link SwrkOptions.extra} has in criu. */
export const FIRST_EXTRA = 4;

const SIGKILL = 9;
const FIRST_OWN = 3;
/** criu has said its last word, and only ends: it may have gigabytes to give back. */
const END_TIMEOUT_MS = 30_000;

/** Starts criu, which then waits for a request. @throws SystemError, RuntimeFault */
export function startSwrk(options: SwrkOptions): Swrk {
  const failure = syscall(SYS.memfd_create, cstring("criu failure"), MFD_CLOEXEC);
  if (failure < 0) throw new SystemError("memfd_create", '"criu failure"', -failure);
  const [socket, criusEnd] = socketPair(SOCK_SEQPACKET);
  try {
    const descriptors = [...options.streams, criusEnd, ...options.extra, failure];
    const { program, sources } = swrkProgram(options, descriptors.length);
    const pid = spawnProgram({ program, firstOwn: FIRST_OWN, descriptors, sources, stateDirectory: "/tmp" });
    const pidfd = syscall(SYS.pidfd_open, pid, 0);
    if (pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -pidfd);
    return { pid, pidfd, socket, failure, path: options.path };
  } catch (error) {
    close(socket);
    close(failure);
    throw error;
  } finally {
    close(criusEnd);
  }
}

/**
 * Waits until a criu that was started with `bind` has its mount namespace. Then opens directories once more, there: criu mounts
 * below its work directory, which it could not do through a descriptor of the runtime's mount namespace.
 *
 * @returns the new descriptors, in the order of `fds`.
 * @throws RuntimeFault, SystemError
 */
export function openInMounts(swrk: Swrk, fds: readonly number[]): number[] {
  const { bytes } = receiveWithDescriptors(swrk.socket, READY.length, READY_TIMEOUT_MS);
  if (bytes.length === 0) throw new RuntimeFault({ what: "unable to give criu a mount namespace" });
  const opened: number[] = [];
  for (const fd of fds) {
    const path = readLink(`/proc/self/fd/${fd}`);
    opened.push(open(`/proc/${swrk.pid}/root${path}`, O_RDONLY | O_DIRECTORY));
  }
  return opened;
}

/** What the program says once its mounts are made. */
const READY = ".";
const READY_TIMEOUT_MS = 10_000;

function swrkProgram({ path, bind }: SwrkOptions, count: number) {
  const p = new ProgramBuilder();
  const { nr } = p;
  const failure = count - 1;
  const sources = beginSeparate(p, count, failure, inheritedOpenFiles());
  if (bind !== undefined) {
    p.call(nr.unshare, CLONE_NEWNS);
    // What the host mounts still arrives; what is mounted here stays here.
    p.call(nr.mount, p.string("none"), p.string("/"), 0, MS_SLAVE | MS_REC, 0);
    p.call(nr.mount, p.string(bind.source), p.string(bind.target), 0, MS_BIND | MS_REC, 0);
    p.call(nr.write, SOCKET, p.string(READY), READY.length);
  }
  becomeOther(p, { path, args: ["criu", "swrk", `${SOCKET}`], env: callersEnvironment() }, failure);
  return { program: p, sources };
}

/**
 * Waits for criu's end, after its last answer; kills it when that takes too long.
 *
 * @returns its wait status.
 * @throws RuntimeFault when it could not even be executed.
 */
export function endSwrk({ pid, pidfd, socket, failure, path }: Swrk): number {
  close(socket);
  if (!waitForEnd(pidfd, END_TIMEOUT_MS)) syscall(SYS.kill, pid, SIGKILL);
  close(pidfd);
  const status = new Int32Array(1);
  syscallRetry(SYS.wait4, pid, addressOf(status), WALL, 0);
  const message = new Int32Array(MESSAGE_BYTES / 4);
  const told = syscall(SYS.pread64, failure, addressOf(message), MESSAGE_BYTES, 0);
  close(failure);
  if (told === MESSAGE_BYTES) {
    throw new RuntimeFault({ what: "unable to start criu", where: path, errno: -message[2]! });
  }
  return status[0]!;
}
