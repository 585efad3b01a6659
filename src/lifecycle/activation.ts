/** What the caller passes on to the container's process by descriptors: socket activation, --preserve-fds, --pidfd-socket. */

import { callersVariable } from "../../native-bindings/caller-words.ts";
import { EBADF } from "../../native-bindings/errno.ts";
import { close, readLink } from "../../native-bindings/files.ts";
import { ownPid, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { connectUnix, sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";

/** What is passed on, and what the container's process is told about it. */
export interface Activation {
  /** How many descriptors, from 3 on. */
  readonly count: number;
  readonly environment: readonly string[];
}

/**
 * Socket activation (sd_listen_fds(3)), if it is meant for this process, and then the descriptors to preserve.
 *
 * To be asked before anything is opened that could be taken for one of them.
 *
 * @throws RuntimeFault for a descriptor to preserve that the caller did not open, in runc's words.
 */
export function activation(preserve: number): Activation {
  const count = callersVariable("LISTEN_FDS") ?? "";
  const names = callersVariable("LISTEN_FDNAMES");
  const meant = callersVariable("LISTEN_PID") === `${ownPid()}`;
  const listening = meant && /^[0-9]{1,5}$/.test(count) ? Number(count) : 0;
  const environment = listening === 0 ? [] : [`LISTEN_FDS=${listening}`, "LISTEN_PID=1"];
  if (listening > 0 && names !== undefined) environment.push(`LISTEN_FDNAMES=${names}`);
  for (let i = 0; i < listening; i++) {
    if (!isCallers(3 + i)) throw notOpen("LISTEN_FDS", listening, `descriptor ${3 + i} is not open`);
  }
  checkPreserved(3 + listening, preserve);
  return { count: listening + preserve, environment };
}

/**
 * `count` descriptors from `first` on must be the caller's. To be asked before anything is opened.
 *
 * @throws RuntimeFault for one that the caller did not open, in runc's words.
 */
export function checkPreserved(first: number, count: number): void {
  for (let i = 0; i < count; i++) {
    if (!isCallers(first + i)) {
      throw notOpen("--preserve-fds", count, `unable to stat preserved-fd ${i} (of ${count})`);
    }
  }
}

function notOpen(where: string, value: number, what: string): RuntimeFault {
  return new RuntimeFault({ what, where, value, errno: EBADF });
}

/** Open, and not one of those that the engine opens for itself before any of this runs. */
export function isCallers(fd: number): boolean {
  const target = readLink(`/proc/self/fd/${fd}`);
  return typeof target === "string" && !/^anon_inode:\[(eventpoll|eventfd|timerfd|io_uring)/.test(target);
}

const SEND_TIMEOUT_MS = 10_000;

/**
 * Sends a descriptor of a process to --pidfd-socket.
 *
 * @param what the word that comes with it, which is runc's: "standard" for init, "setns" for what exec has started.
 * @throws RuntimeFault
 */
export function sendPidfd(path: string, pid: number, what: "standard" | "setns"): void {
  const fds: number[] = [];
  try {
    const pidfd = syscall(SYS.pidfd_open, pid, 0);
    if (pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -pidfd);
    fds.push(pidfd);
    const socket = connectUnix(path, SEND_TIMEOUT_MS);
    fds.push(socket);
    sendWithDescriptors(socket, new TextEncoder().encode(what), [pidfd], SEND_TIMEOUT_MS);
  } catch (error) {
    throw asFault(error, `unable to send the pidfd of the process to ${path}`, "--pidfd-socket");
  } finally {
    for (const fd of fds) close(fd);
  }
}
