/**
 * sd_notify(3) for services: what the container's program says of its being ready reaches the service manager, which takes no word from
 * processes that it doesn't know. The program is given a socket of its own; only `READY=` goes on from there, and who is the main process is
 * said here.
 */
import { AF_UNIX, POLLIN, SOCK_CLOEXEC, SOCK_DGRAM } from "../../native-bindings/constants.ts";
import { EINTR } from "../../native-bindings/errno.ts";
import { close, mkdir, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, tryOpen } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { connectUnix, sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import type { Config } from "../bundle/config.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { makeContainerDirectory } from "../state/state-root.ts";
import type { CreateRequest } from "./create-request.ts";

/** Where the program finds its socket. */
const DIRECTORY_INSIDE = "/run/notify";
const SOCKET_NAME = "notify.sock";
const SEND_LIMIT_MS = 10_000;
/** As long as runc waits for a service manager that doesn't know `BARRIER=1`. */
const BARRIER_LIMIT_SECONDS = 30;

/** The two ends: the container's, bound, and the service manager's, connected. Both are close-on-exec. */
export interface Notify {
  readonly inside: number;
  readonly host: number;
}

/** @throws RuntimeFault for a NOTIFY_SOCKET that is no address sd_notify(3) knows, or one of another family. */
function checkHostSocket(address: string): void {
  if (address.startsWith("/") || (address.startsWith("@") && address.length > 1)) return;
  throw new RuntimeFault({
    what: "not a Unix socket that messages could be passed on to",
    where: "NOTIFY_SOCKET",
    value: address,
    hint: 'it is an absolute path, or "@" and the name of an abstract socket',
  });
}

/**
 * Makes the container's directory with that of its socket in it: the container's mounts are planned with it.
 *
 * @returns the container's directory.
 * @throws RuntimeFault; then nothing is left of it.
 */
export function makeNotifyDirectory({ root, id, notifySocket }: CreateRequest): string {
  checkHostSocket(notifySocket!);
  const directory = makeContainerDirectory(root, id);
  mkdir(`${directory}/notify`, 0o755);
  return directory;
}

/** The config with the mount and the variable by which the program finds its socket. */
export function withNotifySocket(config: Config, containerDirectory: string): Config {
  const { mounts = [], process } = config;
  const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
  const mount = { destination: DIRECTORY_INSIDE, source: `${containerDirectory}/notify`, options };
  const env = [...(process!.env ?? []), `NOTIFY_SOCKET=${DIRECTORY_INSIDE}/${SOCKET_NAME}`];
  return { ...config, mounts: [...mounts, mount], process: { ...process!, env } };
}

/**
 * Opens both ends. To be called before the program runs.
 *
 * @param address of the service manager: NOTIFY_SOCKET.
 * @throws RuntimeFault when nobody is there, or the container was created without NOTIFY_SOCKET.
 */
export function openNotify(containerDirectory: string, address: string): Notify {
  checkHostSocket(address);
  let host = -1;
  try {
    host = connectUnix(address, SEND_LIMIT_MS, SOCK_DGRAM);
    return { inside: bindInside(`${containerDirectory}/notify`), host };
  } catch (error) {
    if (host >= 0) close(host);
    throw asFault(error, `unable to pass sd_notify messages on to ${address}`, "NOTIFY_SOCKET");
  }
}

/** Through a descriptor, since the path may be longer than an address can be. */
function bindInside(path: string): number {
  const directory = tryOpen(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) {
    const hint = "the container was created without NOTIFY_SOCKET";
    throw new RuntimeFault({ what: `open ${path}`, where: "NOTIFY_SOCKET", errno: -directory, hint });
  }
  const address = new Uint8Array(110);
  address[0] = AF_UNIX;
  address.set(utf8(`/proc/self/fd/${directory}/${SOCKET_NAME}`), 2);
  const fd = syscall(SYS.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // Of a start that failed.
  syscall(SYS.unlinkat, directory, cstring(SOCKET_NAME), 0);
  // Every user of the container may write to it. Not by chmod: it would follow a link put there meanwhile.
  const umask = syscall(SYS.umask, 0);
  const bound = syscall(SYS.bind, fd, addressOf(address), address.length);
  syscall(SYS.umask, umask);
  close(directory);
  if (bound === 0) return fd;
  close(fd);
  throw new SystemError("bind", `"${path}/${SOCKET_NAME}"`, -bound);
}

export function closeNotify({ inside, host }: Notify): void {
  close(inside);
  close(host);
}

const MSG_DONTWAIT = 0x40;
const DATAGRAM_BYTES = 4096;

/**
 * Reads what the program has sent, without waiting. When it says that it is ready, that is passed on, and who the main process is.
 *
 * @param mainPid who is to be the main process of the service.
 * @returns whether it was. What comes later is read too, so that nobody blocks on it, and dropped, as runc does.
 * @throws SystemError when the service manager doesn't take it.
 */
export function passOnReady({ inside, host }: Notify, mainPid: number): boolean {
  const bytes = new Uint8Array(DATAGRAM_BYTES);
  let ready = false;
  // No more than are queued: a program that sends without end must not keep the runtime here.
  for (let i = 0; i < 1024; i++) {
    const count = syscall(SYS.recvfrom, inside, addressOf(bytes), DATAGRAM_BYTES, MSG_DONTWAIT, 0, 0);
    if (count < 0) break;
    const line = ready ? undefined : readyLine(text(bytes.subarray(0, count)));
    if (line === undefined) continue;
    send(host, `${line}\n`);
    send(host, `MAINPID=${mainPid}\n`);
    ready = true;
  }
  return ready;
}

function readyLine(message: string): string | undefined {
  for (const line of message.split("\n")) if (line.startsWith("READY=")) return line;
  return undefined;
}

function send(socket: number, message: string): void {
  sendWithDescriptors(socket, utf8(message), [], SEND_LIMIT_MS);
}

/**
 * Waits until the program has said that it is ready, passes that on, and waits until it was understood, because who has sent a message is
 * looked up when it is read. Returns early when the program has ended.
 *
 * @param init the container's, who is to be the main process; `pidfd` is of it, too.
 */
export function waitUntilReady(notify: Notify, init: number, pidfd: number, log: Log): void {
  const pollfds = new Int32Array([notify.inside, POLLIN, pidfd, POLLIN]);
  for (;;) {
    const polled = syscall(SYS.ppoll, addressOf(pollfds), 2);
    if (polled === -EINTR) continue;
    if (passOnReady(notify, init)) break;
    if (pollfds[3]! >> 16 !== 0) return;
  }
  barrier(notify.host, log);
}

/** sd_notify_barrier(3): the service manager closes the pipe when it has read all that was sent before. */
function barrier(host: number, log: Log): void {
  const ends = new Int32Array(2);
  const piped = syscall(SYS.pipe2, addressOf(ends), O_CLOEXEC);
  if (piped < 0) throw new SystemError("pipe2", "", -piped);
  const [reader, writer] = [ends[0]!, ends[1]!];
  try {
    sendWithDescriptors(host, utf8("BARRIER=1"), [writer], SEND_LIMIT_MS);
  } finally {
    close(writer);
  }
  const pollfd = new Int32Array([reader, POLLIN]);
  const limit = new BigInt64Array([BigInt(BARRIER_LIMIT_SECONDS), 0n]);
  while (syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8) === -EINTR);
  if (pollfd[1]! >> 16 === 0) log.warn(`no answer to BARRIER=1 for ${BARRIER_LIMIT_SECONDS} s; went on`);
  close(reader);
}
