/**
 * A process by pid and start time. A pid alone may belong to another process by now; the pair is one process for as long
 * as the system runs.
 */
import { EINVAL, ESRCH } from "../../native-bindings/errno.ts";
import { close, readTextIfThere } from "../../native-bindings/files.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { isErrno, SystemError } from "../../native-bindings/system-error.ts";

/**
 * When a process started, in clock ticks after boot (field 22 of /proc/PID/stat), or undefined when it is gone, a zombie
 * (Z) or dead (X).
 */
export function startTimeOf(pid: number): number | undefined {
  if (!(pid > 0)) return undefined;
  let stat: string | undefined;
  try {
    stat = readTextIfThere(`/proc/${pid}/stat`);
  } catch (error) {
    // The process went away between open and read.
    if (isErrno(error, ESRCH)) return undefined;
    throw error;
  }
  return stat === undefined ? undefined : startTimeInStat(stat);
}

/** The same from the text of /proc/PID/stat, proc_pid_stat(5). The name in it may hold spaces and parentheses. */
export function startTimeInStat(stat: string): number | undefined {
  // "pid (name) S ...": field 3 is two characters after the last parenthesis.
  const stateAt = stat.lastIndexOf(")") + 2;
  const state = stat[stateAt];
  if (stateAt < 2 || state === undefined || state === "Z" || state === "X") return undefined;
  let at = stateAt;
  for (let field = 3; field < 22; field++) at = stat.indexOf(" ", at) + 1;
  return Number.parseInt(stat.slice(at), 10);
}

/** True when that very process still runs. */
export function isAlive(pid: number, startTime: number): boolean {
  return startTimeOf(pid) === startTime;
}

/**
 * A descriptor of that very process, or undefined when it is gone. The start time is read after the descriptor is there,
 * so what it refers to cannot change any more.
 *
 * @see pidfd_open(2)
 */
export function openProcess(pid: number, startTime: number): number | undefined {
  if (!(pid > 0)) return undefined;
  const pidfd = syscallRetry(SYS.pidfd_open, pid, 0);
  // EINVAL, before Linux 6.15: gone too, but its number still names the session of processes that it left.
  if (pidfd === -ESRCH || pidfd === -EINVAL) return undefined;
  if (pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -pidfd);
  if (isAlive(pid, startTime)) return pidfd;
  close(pidfd);
  return undefined;
}

/** pidfd_send_signal(2). Returns 0 or a negative errno. */
export function trySendSignal(pidfd: number, signal: number): number {
  return syscall(SYS.pidfd_send_signal, pidfd, signal, 0, 0);
}

const POLLIN = 1;

/**
 * Waits until the process behind `pidfd` has ended (its parent may not have reaped it yet).
 *
 * @returns false when `timeoutMs` passed first.
 */
export function waitForEnd(pidfd: number, timeoutMs: number): boolean {
  const pollfd = new Int32Array(2);
  const timespec = new BigInt64Array(2);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, deadline - performance.now());
    pollfd[0] = pidfd;
    pollfd[1] = POLLIN;
    timespec[0] = BigInt(Math.trunc(leftMs / 1000));
    timespec[1] = BigInt(Math.trunc(leftMs % 1000) * 1_000_000);
    const ready = syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(timespec), 0, 0);
    if (ready > 0) return true;
    if (leftMs === 0) return false;
  }
}
