/**
 * The conversation with criu about one request:
 *
 *     runtime                                criu swrk
 *        │ ── request (DUMP, RESTORE ...) ──────▶ │
 *        │ ◀────────── NOTIFY "network-lock" ──── │ ┐ as often as criu
 *        │ ── NOTIFY, notify_success ───────────▶ │ ┘ has something to tell
 *        │ ◀──── answer: success or cr_errno ──── │
 *        │                                        ┴ ends
 *
 * No limit on the time: a dump takes as long as its memory takes to be written, a lazy one as long as the other side takes
 * to ask for it. It ends when criu ends, which its pidfd says.
 */
import { POLLIN } from "../../native-bindings/constants.ts";
import { ECONNRESET, EINTR, EPIPE } from "../../native-bindings/errno.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { isErrno } from "../../native-bindings/system-error.ts";
import { receiveWithDescriptors, sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { RuntimeFault } from "../report/fault.ts";
import {
  type CriuRequest,
  type CriuResponse,
  decodeResponse,
  encodeRequest,
  RequestType,
  requestName,
} from "./messages.ts";
import { endSwrk, type Swrk } from "./swrk.ts";

/** Something that criu tells, and waits to be answered. */
export interface Notification {
  /** "post-dump", "network-lock" ...: the names of criu's action scripts. */
  readonly script: string;
  /** The restored init, as the runtime's pid namespace sees it; 0 when it is about no process. */
  readonly pid: number;
  /** Belong to the one who is told. */
  readonly fds: readonly number[];
}

const MESSAGE_BYTES = 40960;
const SEND_TIMEOUT_MS = 10_000;

/** How a conversation ended: with criu's answer, with what one of ours threw meanwhile, or with neither: criu just ended. */
interface Heard {
  readonly response?: CriuResponse;
  readonly thrown?: unknown;
}

/**
 * Sends a request, answers every notification, and waits for criu's end.
 *
 * @param notified carries out what a notification asks for. When it throws, criu is told and undoes the rest.
 * @returns criu's answer. Its `success` is true.
 * @throws RuntimeFault "criu failed: type DUMP errno 0", or what `notified` threw.
 */
export function converse(
  swrk: Swrk,
  request: CriuRequest,
  notified: (notification: Notification) => void = () => {},
): CriuResponse {
  let heard: Heard;
  try {
    heard = listen(swrk, request, notified);
  } catch (error) {
    heard = { thrown: error };
  }
  const status = endSwrk(swrk);
  if (heard.thrown !== undefined) throw heard.thrown;
  if (heard.response?.success !== true) throw failed(request, heard.response, status);
  checkEnd(request, status);
  return heard.response;
}

function listen(swrk: Swrk, request: CriuRequest, notified: (notification: Notification) => void): Heard {
  let thrown: unknown;
  let sent = send(swrk, request);
  while (sent) {
    const received = receive(swrk);
    if (received === undefined) break;
    const { response, fds } = received;
    if (response.type !== RequestType.NOTIFY || !response.success) return { response, thrown };
    thrown ??= tryNotify(response, fds, notified);
    sent = send(swrk, { type: RequestType.NOTIFY, notify_success: thrown === undefined });
  }
  return { thrown };
}

/** @returns what was thrown. */
function tryNotify(
  { notify }: CriuResponse,
  fds: readonly number[],
  notified: (notification: Notification) => void,
): unknown {
  try {
    notified({ script: notify?.script ?? "", pid: notify?.pid ?? 0, fds });
    return undefined;
  } catch (error) {
    return error;
  }
}

/** @returns false when criu is not there any more. */
function send({ socket }: Swrk, request: CriuRequest): boolean {
  try {
    sendWithDescriptors(socket, encodeRequest(request), [], SEND_TIMEOUT_MS);
    return true;
  } catch (error) {
    if (isErrno(error, EPIPE, ECONNRESET)) return false;
    throw error;
  }
}

/** The next message; undefined when criu has ended or closed its end. */
function receive({ socket, pidfd }: Swrk): { response: CriuResponse; fds: readonly number[] } | undefined {
  const pollfds = new Int32Array([socket, POLLIN, pidfd, POLLIN]);
  while (syscall(SYS.ppoll, addressOf(pollfds), 2, 0, 0, 8) === -EINTR);
  // What criu said before it ended is still there to be read.
  if (pollfds[1]! >> 16 === 0) return undefined;
  try {
    const { bytes, fds } = receiveWithDescriptors(socket, MESSAGE_BYTES, SEND_TIMEOUT_MS);
    return bytes.length === 0 ? undefined : { response: decodeResponse(bytes), fds };
  } catch (error) {
    if (isErrno(error, ECONNRESET)) return undefined;
    if (error instanceof RangeError) {
      throw new RuntimeFault({ what: `criu sent what cannot be understood: ${error.message}`, cause: error });
    }
    throw error;
  }
}

/** After success, too, criu has to end well. After PRE_DUMP it waits for a dump that does not come. */
function checkEnd({ type }: CriuRequest, status: number): void {
  if (status === 0 || type === RequestType.PRE_DUMP || type === RequestType.FEATURE_CHECK) return;
  throw new RuntimeFault({ what: `criu failed: ${ending(status)}` });
}

function failed({ type }: CriuRequest, response: CriuResponse | undefined, status: number): RuntimeFault {
  if (response === undefined)
    return new RuntimeFault({ what: `criu failed: type ${requestName(type)}: ${ending(status)}` });
  const errno = response.cr_errno ?? 0;
  return new RuntimeFault({
    what: `criu failed: type ${requestName(response.type)} errno ${errno}`,
    errno: errno > 0 ? errno : undefined,
    hint: response.cr_errmsg?.trim(),
  });
}

function ending(status: number): string {
  const signal = status & 127;
  return signal === 0 ? `exit status ${status >> 8}` : `killed by signal ${signal}`;
}
