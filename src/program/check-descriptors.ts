import { syscallName } from "../../native-bindings/call-arguments.ts";
import { F_SETFD, OPEN_TREE_CLOEXEC } from "../../native-bindings/constants.ts";
import type { SyscallName } from "../../native-bindings/syscall-numbers.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { ProgramFault } from "./check-program.ts";
import { edgesOf } from "./flow.ts";
import { constantArgument, numberAt, type Operation } from "./operation.ts";

const CLOEXEC = OPEN_TREE_CLOEXEC;
const F_DUPFD = 0;
const TIOCGPTPEER = 0x5441;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Which argument of the calls that make a descriptor says that it is close-on-exec, by which bit. */
const closeOnExec: { readonly [name in SyscallName]?: readonly [argument: number, bit: number] } = {
  accept4: [3, CLOEXEC],
  dup3: [2, CLOEXEC],
  eventfd2: [1, CLOEXEC],
  fsmount: [1, 1],
  fsopen: [1, 1],
  fspick: [2, 1],
  inotify_init1: [0, CLOEXEC],
  memfd_create: [1, 1],
  open_tree: [2, CLOEXEC],
  openat: [2, CLOEXEC],
  pipe2: [1, CLOEXEC],
  recvmsg: [2, MSG_CMSG_CLOEXEC],
  signalfd4: [3, CLOEXEC],
  socket: [1, CLOEXEC],
  socketpair: [1, CLOEXEC],
};

/** A descriptor that would survive an execve. */
interface Inherited {
  /** The operation that makes it. */
  readonly operation: number;
  /** Where its number is saved, or the number itself. */
  readonly place: number;
  readonly bit: bigint;
}

/** Descriptors that are not close-on-exec and still open at an execve: the container would have them. */
export function descriptorFaults(operations: readonly Operation[], program: ProgramBuilder): ProgramFault[] {
  const inherited: Inherited[] = [];
  for (const [index, operation] of operations.entries()) {
    for (const place of inheritedPlaces(operation, program)) {
      inherited.push({ operation: index, place, bit: 1n << BigInt(inherited.length) });
    }
  }
  if (inherited.length === 0) return [];
  const open = openDescriptors(operations, program, inherited);
  return inherited.flatMap(({ operation, bit }) => {
    const exec = operations.findIndex(
      ({ nr }, index) => (nr === program.nr.execve || nr === program.nr.execveat) && (open[index]! & bit) !== 0n,
    );
    if (exec < 0) return [];
    const what = `makes a descriptor that is not close-on-exec and still open at the execve of operation ${exec}`;
    return [{ operation, what }];
  });
}

/** Where the numbers of the descriptors are that a call makes without close-on-exec. */
function inheritedPlaces(operation: Operation, program: ProgramBuilder): number[] {
  const name = operation.nr < 0 ? undefined : syscallName(operation.nr, program.arch);
  if (name === undefined) return [];
  const first = operation.args[0]!;
  const second = constantArgument(operation, 1);
  if (name === "dup") return [operation.save];
  if (name === "fcntl") return second === F_DUPFD ? [operation.save] : [];
  if (name === "ioctl") return second === TIOCGPTPEER && (operation.args[2]! & CLOEXEC) === 0 ? [operation.save] : [];
  if (name === "openat2") {
    const flags = numberAt(program, operation.args[2]!, 4);
    return flags !== undefined && (Number(flags) & CLOEXEC) !== 0 ? [] : [operation.save];
  }
  const rule = closeOnExec[name];
  if (rule === undefined || ((constantArgument(operation, rule[0]) ?? 0) & rule[1]) !== 0) return [];
  if (name === "pipe2") return [first, first + 4];
  if (name === "socketpair") return [operation.args[3]!, operation.args[3]! + 4];
  // Standard input, output and error are what a program is to have.
  if (name === "dup3") return second !== undefined && second <= 2 ? [] : [operation.args[1]!];
  return [operation.save];
}

/** For each operation, the bits of the descriptors that may be open when it begins. */
function openDescriptors(
  operations: readonly Operation[],
  program: ProgramBuilder,
  inherited: readonly Inherited[],
): bigint[] {
  const open = operations.map(() => 0n);
  const seen = new Set([0]);
  const waiting = [0];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    const operation = operations[index]!;
    const closed = closedBits(operation, program, inherited);
    for (const { on, to } of edgesOf(operation, index, program.nr)) {
      // close(2) closes even when it fails; the others don't.
      let after = on !== "error" || operation.nr === program.nr.close ? open[index]! & ~closed : open[index]!;
      if (on !== "error") for (const made of inherited) if (made.operation === index) after |= made.bit;
      if (seen.has(to) && (open[to]! | after) === open[to]) continue;
      seen.add(to);
      open[to]! |= after;
      waiting.push(to);
    }
  }
  return open;
}

/** The descriptors that an operation closes, or makes close-on-exec. */
function closedBits(operation: Operation, program: ProgramBuilder, inherited: readonly Inherited[]): bigint {
  const { nr } = program;
  const [place, second, third] = operation.args;
  if (operation.nr === nr.close_range) return second === -1 ? inherited.reduce((all, { bit }) => all | bit, 0n) : 0n;
  const setsFlag = operation.nr === nr.fcntl && second === F_SETFD && (third! & 1) === 1;
  if (operation.nr !== nr.close && !setsFlag) return 0n;
  return inherited.reduce((all, made) => (made.place === place ? all | made.bit : all), 0n);
}
