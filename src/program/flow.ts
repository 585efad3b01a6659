import type { SyscallName, SyscallNumbers } from "../../native-bindings/syscall-numbers.ts";
import { constantArgument, indexOfAddress, type Operation } from "./operation.ts";

/** A way from one operation to another, and the results that take it. */
export interface Edge {
  readonly on: "error" | "zero" | "positive";
  /** Index of the operation; anything else than one of the list's is a fault of the program. */
  readonly to: number;
}

/** Calls whose success may be more than zero: descriptors, counts, ids, old values. All others give zero or an error. */
const givePositive: readonly SyscallName[] = [
  ...([
    "accept4",
    "bpf",
    "clone",
    "clone3",
    "dup",
    "dup3",
    "eventfd2",
    "fcntl",
    "fsmount",
    "fsopen",
    "fspick",
  ] as const),
  ...([
    "inotify_add_watch",
    "inotify_init1",
    "ioctl",
    "keyctl",
    "memfd_create",
    "open_tree",
    "openat",
    "openat2",
  ] as const),
  ...(["pidfd_getfd", "pidfd_open", "seccomp", "signalfd4", "socket"] as const),
  ...([
    "copy_file_range",
    "fgetxattr",
    "flistxattr",
    "getcwd",
    "getdents64",
    "getrandom",
    "getxattr",
    "listxattr",
  ] as const),
  ...([
    "lseek",
    "ppoll",
    "pread64",
    "pwrite64",
    "read",
    "readlinkat",
    "recvmsg",
    "sendmsg",
    "splice",
    "write",
  ] as const),
  ...(["getegid", "geteuid", "getgid", "getpgid", "getpid", "getppid", "getsid", "getuid", "setsid", "wait4"] as const),
  ...(["ioprio_get", "personality", "prctl", "sched_getaffinity", "umask"] as const),
];

/** Of a number that is no call of the table, nothing is known. */
function canBePositive(operation: Operation, nr: SyscallNumbers): boolean {
  const known = operation.nr >= 0 && Object.values(nr).includes(operation.nr);
  return !known || givePositive.some((name) => nr[name] === operation.nr);
}

/**
 * Where an operation can lead. exit_group leads nowhere, execve only to its error; an xor of two constants always takes the
 * same way.
 */
export function edgesOf(operation: Operation, index: number, nr: SyscallNumbers): Edge[] {
  if (operation.nr === nr.exit_group) return [];
  const error: Edge = { on: "error", to: indexOfAddress(operation.onError) };
  if (operation.nr === nr.execve || operation.nr === nr.execveat) return [error];
  const zero: Edge = { on: "zero", to: indexOfAddress(operation.onZero) };
  const positive: Edge = { on: "positive", to: index + 1 };
  if (operation.nr >= 0) return canBePositive(operation, nr) ? [error, zero, positive] : [error, zero];
  const [a, b] = [constantArgument(operation, 0), constantArgument(operation, 1)];
  if (a === undefined || b === undefined) return [error, zero, positive];
  return [a === b ? zero : (a ^ b) < 0 ? error : positive];
}

/** A test of a saved value against an errno, as `jumpIfErrno` writes it; undefined for anything else. */
export function errnoTest(operation: Operation): { slot: number; errno: number; to: number } | undefined {
  const [slot, value] = [operation.args[0]!, constantArgument(operation, 1)];
  if (operation.nr >= 0 || operation.mask !== 1 || value === undefined || value >= 0 || value < -4095) return undefined;
  return { slot, errno: -value, to: indexOfAddress(operation.onZero) };
}

/** For each operation, how many others lead to it; the first one has one more. */
export function arrivals(operations: readonly Operation[], nr: SyscallNumbers): number[] {
  const counts = new Array<number>(operations.length).fill(0);
  if (counts.length > 0) counts[0] = 1;
  for (const [index, operation] of operations.entries()) {
    const targets = new Set(edgesOf(operation, index, nr).map((edge) => edge.to));
    for (const to of targets) if (to in counts) counts[to]!++;
  }
  return counts;
}
