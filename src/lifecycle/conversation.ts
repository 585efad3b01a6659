/**
 * The conversation between the runtime and the program it started, over a SOCK_SEQPACKET pair.
 *
 *      runtime                                       program
 *        │  makes the cgroup (v1)                     enter: joins and makes namespaces
 *        │ ◀───────────────────────────── WantsMaps  (new user namespace)
 *        │  writes uid_map, gid_map
 *        │ ── go ──────────────────────────────────▶ becomes its root
 *        │ ◀───────────────────────────── Cloned pid  and ends
 *        │ ── go ──────────────────────────────────▶ init: moves into its cgroup, mounts
 *        │ ◀───────────────────────────── WantsCopy   (tmpcopyup; two descriptors), WantsIdMapping (one)
 *        │ ── go ──────────────────────────────────▶
 *        │ ◀───────────────────────────── WantsHooks  (only if there are hooks)
 *        │  runs prestart, createRuntime
 *        │ ── go ──────────────────────────────────▶ createContainer hooks, pivot_root, user ...
 *        │ ◀───────────────────────────── Listener fd (seccomp notify)
 *        │ ── go ──────────────────────────────────▶
 *        │ ◀───────────────────────────── Ready       waits for start
 *
 * Under run the go that follows Ready is said as soon as init is there, if it asks for nothing before.
 *
 * A failure is one message with the operation's address and the errno. End of file without it: the program was killed.
 */
import { EAGAIN, ECONNRESET, EINTR } from "../../native-bindings/errno.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { isErrno, SystemError } from "../../native-bindings/system-error.ts";
import { type ReceivedMessage, receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { Message } from "../program/layout.ts";

/** How long the program may be silent: longer than any hook without a timeout of its own may run. */
export const SILENCE_LIMIT_SECONDS = 330;

/** One message. `kind` undefined: end of file. */
export interface Heard {
  readonly kind: Message | undefined;
  readonly first: number;
  readonly second: number;
  readonly fds: readonly number[];
  /** Of a KernelText: what the kernel says about a mount option. */
  readonly text: string;
}

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const WORDS = 128;

/** Limits every later read: nothing that the program does or fails to do can hang the runtime. socket(7). */
export function limitSilence(socket: number): void {
  const limit = new BigInt64Array([BigInt(SILENCE_LIMIT_SECONDS), 0n]);
  syscall(SYS.setsockopt, socket, SOL_SOCKET, SO_RCVTIMEO, addressOf(limit), 16);
}

const NOTHING: Heard = { kind: undefined, first: 0, second: 0, fds: [], text: "" };

/**
 * The next message.
 *
 * @param withDescriptors the program may send descriptors with it: costs a little more.
 * @throws SystemError ETIMEDOUT-like EAGAIN when the program was silent for too long.
 */
export function hear(socket: number, withDescriptors: boolean): Heard {
  if (withDescriptors) return hearWithDescriptors(socket);
  const words = new Int32Array(WORDS);
  const address = addressOf(words);
  for (;;) {
    const count = syscall(SYS.read, socket, address, WORDS * 4);
    if (count === -EINTR) continue;
    if (count === -EAGAIN) throw new SystemError("read", `no message for ${SILENCE_LIMIT_SECONDS} s`, 110);
    // A program that ended with words of ours unread: said once, before what it has written.
    if (count === -ECONNRESET) continue;
    if (count <= 0) return NOTHING;
    return message(words, count, []);
  }
}

function hearWithDescriptors(socket: number): Heard {
  const { bytes, fds } = receive(socket);
  if (bytes.length === 0) return NOTHING;
  const words = new Int32Array(WORDS);
  new Uint8Array(words.buffer).set(bytes);
  return message(words, bytes.length, fds);
}

function receive(socket: number): ReceivedMessage {
  try {
    return receiveWithDescriptors(socket, WORDS * 4, SILENCE_LIMIT_SECONDS * 1000, 2);
  } catch (error) {
    if (!isErrno(error, ECONNRESET)) throw error;
    return receive(socket);
  }
}

function message(words: Int32Array, count: number, fds: readonly number[]): Heard {
  let text = "";
  if (words[0] === Message.KernelText) {
    const bytes = new Uint8Array(words.buffer, 4, count - 4);
    const end = bytes.indexOf(0);
    text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)).trim();
    // The level comes first: "e tmpfs: Unknown parameter".
    if (text.charCodeAt(1) === 0x20) text = text.slice(2);
  }
  return { kind: words[0] as Message, first: words[1]!, second: words[2]!, fds, text };
}

const goByte = new Uint8Array([103]);

/** Lets the program go on. A program that is gone says so by end of file: an error here is of no use. */
export function sayGo(socket: number): void {
  syscall(SYS.write, socket, addressOf(goByte), 1);
}
