/**
 * Requests to the kernel's network configuration: netlink(7), rtnetlink(7). A socket stays in the network namespace that its
 * maker was in. Functions throw {@link SystemError}.
 */
import { SOCK_CLOEXEC } from "./constants.ts";
import { EINTR } from "./errno.ts";
import { close } from "./files.ts";
import { addressOf, syscall, syscallRetry } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const ANSWER_LIMIT_SECONDS = 10n;

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP_INTR = 0x10;
const HEADER_BYTES = 16;
/** What the kernel recommends for dumps. */
const RECEIVE_BYTES = 32768;

/** One attribute: its type, and its value without padding. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** One answer: the fixed part that the message's type has, and the attributes behind it. */
export interface Answer {
  readonly type: number;
  readonly fixed: DataView;
  readonly attributes: readonly Attribute[];
}

export interface Request {
  readonly type: number;
  readonly flags: number;
  /** struct ifinfomsg, ifaddrmsg ... */
  readonly fixed: Uint8Array;
  readonly attributes: readonly Attribute[];
  /** Of the answers. */
  readonly fixedBytes: number;
  /** For errors: what is asked, readable. */
  readonly shown: string;
}

/** A socket for requests, in the calling thread's network namespace, close-on-exec. */
export function openRouteSocket(): number {
  const fd = syscall(SYS.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw new SystemError("socket", "AF_NETLINK, NETLINK_ROUTE", -fd);
  const limit = new BigInt64Array([ANSWER_LIMIT_SECONDS, 0n]);
  const limited = syscall(SYS.setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, addressOf(limit), 16);
  if (limited === 0) return fd;
  close(fd);
  throw new SystemError("setsockopt", "SO_RCVTIMEO", -limited);
}

let sequence = 0;

/**
 * Sends a request and collects its answers until the kernel says that it is done.
 *
 * @throws SystemError with the errno that the kernel answers; EINTR when a dump changed while it was made.
 */
export function request(socket: number, asked: Request): Answer[] {
  const message = encode(asked, ++sequence);
  const sent = syscallRetry(SYS.sendto, socket, addressOf(message), message.length, 0, 0, 0);
  if (sent < 0) throw new SystemError("sendto", asked.shown, -sent);
  const answers: Answer[] = [];
  const buffer = new Uint8Array(RECEIVE_BYTES);
  for (;;) {
    const count = syscallRetry(SYS.recvfrom, socket, addressOf(buffer), buffer.length, 0, 0, 0);
    if (count < 0) throw new SystemError("recvfrom", asked.shown, -count);
    if (collect(buffer.slice(0, count), asked, answers)) return answers;
  }
}

/** @returns true after the last message. */
function collect(bytes: Uint8Array, asked: Request, into: Answer[]): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (length < HEADER_BYTES || at + length > bytes.length) throw new SystemError("recvfrom", asked.shown, 74);
    // An answer to a request that was given up.
    if (view.getUint32(at + 8, true) === sequence) {
      if ((view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) throw new SystemError("netlink", asked.shown, EINTR);
      if (type === NLMSG_ERROR || type === NLMSG_DONE) {
        // Both begin with the errno as a negative number; zero acknowledges.
        const result = length >= HEADER_BYTES + 4 ? view.getInt32(at + HEADER_BYTES, true) : 0;
        if (result < 0) throw new SystemError("netlink", asked.shown, -result);
        return true;
      }
      into.push(decode(bytes.subarray(at + HEADER_BYTES, at + length), type, asked.fixedBytes));
    }
    at += align(length);
  }
  return false;
}

/** A whole message: header, fixed part, attributes. Each is padded to four bytes. */
export function encode({ type, flags, fixed, attributes }: Request, number: number): Uint8Array {
  let length = HEADER_BYTES + align(fixed.length);
  for (const { value } of attributes) length += align(4 + value.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F_REQUEST, true);
  view.setUint32(8, number, true);
  bytes.set(fixed, HEADER_BYTES);
  let at = HEADER_BYTES + align(fixed.length);
  for (const attribute of attributes) {
    view.setUint16(at, 4 + attribute.value.length, true);
    view.setUint16(at + 2, attribute.type, true);
    bytes.set(attribute.value, at + 4);
    at += align(4 + attribute.value.length);
  }
  return bytes;
}

/** NLA_F_NESTED and NLA_F_NET_BYTEORDER, which are in the field of the type. */
const TYPE_MASK = 0x3fff;

/** The payload of a message. What is cut off in the middle of an attribute is left out. */
export function decode(payload: Uint8Array, type: number, fixedBytes: number): Answer {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes: Attribute[] = [];
  for (let at = align(fixedBytes); at + 4 <= payload.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > payload.length) break;
    attributes.push({ type: view.getUint16(at + 2, true) & TYPE_MASK, value: payload.slice(at + 4, at + length) });
    at += align(length);
  }
  return { type, fixed: new DataView(payload.buffer, payload.byteOffset, fixedBytes), attributes };
}

function align(length: number): number {
  return (length + 3) & ~3;
}
