/**
 * Unix sockets and the descriptors that travel over them: unix(7), sendmsg(2), recvmsg(2), cmsg(3).
 *
 * Everything is close-on-exec, SIGPIPE is never raised, and every wait has a limit. Functions throw {@link SystemError}.
 */
import { AF_UNIX, MSG_NOSIGNAL, POLLIN, SOCK_CLOEXEC, SOCK_STREAM } from "./constants.ts";
import { EAGAIN, EINTR, EINVAL, EPIPE, ETIMEDOUT } from "./errno.ts";
import { close, O_PATH, open } from "./files.ts";
import { addressOf, syscall, syscallRetry, utf8 } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 8;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const POLLOUT = 4;

/** sizeof(sun_path): a path that is longer, with its NUL, is reached through a descriptor instead. */
const SUN_PATH_BYTES = 108;
/** SCM_MAX_FD of include/net/scm.h. */
const MAX_DESCRIPTORS = 253;

/** struct msghdr, one struct iovec, one struct cmsghdr, then the descriptors: offsets in one buffer. */
const IOVEC = 56;
const CONTROL = 72;
const CMSG_HEADER_BYTES = 16;

/** What {@link receiveWithDescriptors} took off a socket. `fds` belong to the caller. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/** socketpair(2) of `type` (SOCK_STREAM, SOCK_SEQPACKET ...). */
export function socketPair(type: number): readonly [number, number] {
  const fds = new Int32Array(2);
  const result = syscall(SYS.socketpair, AF_UNIX, type | SOCK_CLOEXEC, 0, addressOf(fds));
  if (result < 0) throw new SystemError("socketpair", `AF_UNIX, ${type}`, -result);
  return [fds[0]!, fds[1]!];
}

/**
 * A connected socket to the one bound at `path`, which may be longer than sun_path. "@" and a name is an abstract socket.
 *
 * @param timeoutMs how long a full backlog is waited for; ETIMEDOUT after it. Also limits blocking sends afterwards.
 */
export function connectUnix(path: string, timeoutMs: number, type = SOCK_STREAM): number {
  const name = utf8(path);
  if (path[0] === "@" || name.length < SUN_PATH_BYTES) return connectTo(name, path, timeoutMs, type);
  const holder = open(path, O_PATH);
  try {
    return connectTo(utf8(`/proc/self/fd/${holder}`), path, timeoutMs, type);
  } finally {
    close(holder);
  }
}

function connectTo(name: Uint8Array, path: string, timeoutMs: number, type: number): number {
  const shown = JSON.stringify(path);
  if (name.length === 0 || name.length >= SUN_PATH_BYTES || name.includes(0)) {
    throw new SystemError("connect", shown, EINVAL);
  }
  const address = new Uint8Array(2 + SUN_PATH_BYTES);
  address[0] = AF_UNIX;
  address.set(name, 2);
  const abstract = path[0] === "@";
  // An abstract name begins with a NUL, and ends where the address does. unix(7)
  if (abstract) address[2] = 0;
  const length = 2 + name.length + (abstract ? 0 : 1);
  const fd = syscall(SYS.socket, AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemError("socket", `AF_UNIX, ${type}`, -fd);
  // A connect that waits for room in the backlog can't be polled for; the send timeout is what limits it.
  const limit = timespec(timeoutMs, 1000);
  let result = syscall(SYS.setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, addressOf(limit), limit.byteLength);
  if (result === 0) result = syscallRetry(SYS.connect, fd, addressOf(address), length);
  if (result === 0) return fd;
  close(fd);
  throw new SystemError("connect", shown, result === -EAGAIN ? ETIMEDOUT : -result);
}

/**
 * Sends all of `bytes` with `fds` attached to the first of them.
 *
 * @param bytes at least one: a message without bytes carries no descriptors on a stream.
 */
export function sendWithDescriptors(fd: number, bytes: Uint8Array, fds: readonly number[], timeoutMs: number): void {
  if (bytes.length === 0) throw new SystemError("sendmsg", `fd ${fd}, no bytes`, EINVAL);
  if (fds.length > MAX_DESCRIPTORS) throw new SystemError("sendmsg", `fd ${fd}, ${fds.length} descriptors`, EINVAL);
  const controlBytes = fds.length === 0 ? 0 : controlSpace(fds.length);
  const data = CONTROL + controlBytes;
  const { buffer, view, address } = messageBuffer(data, bytes.length, controlBytes);
  buffer.set(bytes, data);
  if (controlBytes > 0) {
    view.setBigUint64(CONTROL, BigInt(CMSG_HEADER_BYTES + 4 * fds.length), true);
    view.setInt32(CONTROL + 8, SOL_SOCKET, true);
    view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
    for (let i = 0; i < fds.length; i++) view.setInt32(CONTROL + CMSG_HEADER_BYTES + 4 * i, fds[i]!, true);
  }
  for (let sent = 0; sent < bytes.length; ) {
    setVector(view, address + data + sent, bytes.length - sent);
    const count = afterReady(fd, POLLOUT, timeoutMs, "sendmsg", SYS.sendmsg, address, MSG_NOSIGNAL);
    sent += count;
    // The descriptors went with the first bytes.
    view.setBigUint64(40, 0n, true);
  }
}

/**
 * Receives one message, or on a stream what one recvmsg(2) gives. No bytes: the other side has closed.
 *
 * @param maxDescriptors more than these are an error (EPIPE), and none of them stays open.
 */
export function receiveWithDescriptors(
  fd: number,
  maxBytes: number,
  timeoutMs: number,
  maxDescriptors = 1,
): ReceivedMessage {
  const controlBytes = controlSpace(maxDescriptors);
  const data = CONTROL + controlBytes;
  const { buffer, view, address } = messageBuffer(data, maxBytes, controlBytes);
  setVector(view, address + data, maxBytes);
  const count = afterReady(fd, POLLIN, timeoutMs, "recvmsg", SYS.recvmsg, address, MSG_CMSG_CLOEXEC);
  const fds = descriptors(view, Number(view.getBigUint64(40, true)));
  if ((view.getInt32(48, true) & MSG_CTRUNC) !== 0 || fds.length > maxDescriptors) {
    for (const received of fds) close(received);
    throw new SystemError("recvmsg", `fd ${fd}, more than ${maxDescriptors} descriptors`, EPIPE);
  }
  return { bytes: buffer.slice(data, data + count), fds };
}

/** A struct msghdr with room for the control data and for `dataBytes` from offset `data` on: one allocation. */
function messageBuffer(data: number, dataBytes: number, controlBytes: number) {
  const buffer = new Uint8Array(data + dataBytes);
  const view = new DataView(buffer.buffer);
  const address = addressOf(buffer);
  view.setBigUint64(16, BigInt(address + IOVEC), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(address + CONTROL), true);
  view.setBigUint64(40, BigInt(controlBytes), true);
  return { buffer, view, address };
}

function setVector(view: DataView, base: number, length: number): void {
  view.setBigUint64(IOVEC, BigInt(base), true);
  view.setBigUint64(IOVEC + 8, BigInt(length), true);
}

/** CMSG_SPACE(3) of `count` descriptors. */
function controlSpace(count: number): number {
  return CMSG_HEADER_BYTES + ((4 * count + 7) & ~7);
}

/** Every descriptor in the control data that the kernel wrote. */
function descriptors(view: DataView, controlBytes: number): number[] {
  const fds: number[] = [];
  const end = CONTROL + controlBytes;
  for (let at = CONTROL; at + CMSG_HEADER_BYTES <= end; ) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSG_HEADER_BYTES) break;
    if (view.getInt32(at + 8, true) === SOL_SOCKET && view.getInt32(at + 12, true) === SCM_RIGHTS) {
      for (let i = at + CMSG_HEADER_BYTES; i + 4 <= at + length && i + 4 <= end; i += 4)
        fds.push(view.getInt32(i, true));
    }
    at += (length + 7) & ~7;
  }
  return fds;
}

/** One sendmsg or recvmsg that does not block, once ppoll(2) says that it will not need to. */
function afterReady(
  fd: number,
  events: number,
  timeoutMs: number,
  call: string,
  nr: number,
  message: number,
  flags: number,
): number {
  const pollfd = new Int32Array([fd, events]);
  // The raw ppoll writes back what is left of the time, so repeating it keeps the limit.
  const limit = timespec(timeoutMs, 1_000_000);
  for (;;) {
    pollfd[1] = events;
    const ready = syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8);
    if (ready === -EINTR) continue;
    if (ready < 0) throw new SystemError("ppoll", `fd ${fd}`, -ready);
    if (ready === 0) throw new SystemError(call, `fd ${fd}, after ${timeoutMs} ms`, ETIMEDOUT);
    const result = syscallRetry(nr, fd, message, flags | MSG_DONTWAIT);
    if (result === -EAGAIN) continue;
    if (result < 0) throw new SystemError(call, `fd ${fd}`, -result);
    return result;
  }
}

/** A time as seconds and the rest: struct timespec for 1,000,000 units a ms, struct timeval for 1,000. */
function timespec(ms: number, unitsPerMs: number): BigInt64Array {
  return new BigInt64Array([BigInt(Math.floor(ms / 1000)), BigInt((ms % 1000) * unitsPerMs)]);
}
