import { argumentsOf, syscallName } from "../../native-bindings/call-arguments.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { ProgramFault } from "./check-program.ts";
import { reachableFrom } from "./check-targets.ts";
import { type Edge, edgesOf } from "./flow.ts";
import { kernelWrites } from "./kernel-writes.ts";
import { DATA_BASE, ERROR_ADDRESS, ERROR_MESSAGE, SCRATCH } from "./layout.ts";
import { constantArgument, indexOfAddress, numberAt, type Operation } from "./operation.ts";

/** What a saved value can be when an operation begins: bits, since several ways lead there. */
const UNWRITTEN = 1;
const NEGATIVE = 2;
const GOOD = 4;
/** Bytes from the kernel that are no result of a call: half of a number, text ... */
const ANY_SIGN = 8;

const CLONE_VM = 0x100;

/** For each saved value that the program reads, its bits. An operation that no way leads to has none at all. */
type State = Uint8Array;

/**
 * Saved values that are read where some way has not written them, and errors that are used as descriptors.
 *
 * A value given to `slot` counts as written, as do words of data that start out other than zero and what the kernel writes.
 */
export function valueFaults(operations: readonly Operation[], program: ProgramBuilder): ProgramFault[] {
  const read = [...new Set(operations.flatMap((operation) => operation.args.filter((_, k) => loads(operation, k))))];
  const states = flow(operations, program, read);
  const faults: ProgramFault[] = [];
  for (const [index, operation] of operations.entries()) {
    const state = states[index];
    if (state === undefined) continue;
    for (const [k, address] of operation.args.entries()) {
      if (!loads(operation, k)) continue;
      const bits = state[read.indexOf(address)]!;
      const compared = inventsError(operation, operations, bits, program);
      const name = program.slotNames.get(address) ?? `data+0x${(address - DATA_BASE).toString(16)}`;
      if ((bits & UNWRITTEN) !== 0) {
        faults.push({ operation: index, what: `reads $${name}, which is not written on every way here` });
      } else if ((bits & NEGATIVE) !== 0 && needsDescriptor(operation, index, k, program)) {
        faults.push({ operation: index, what: `uses $${name} as a descriptor, but on some way it is an error` });
      } else if (compared) {
        faults.push({ operation: index, what: `compares $${name} with another sign: that is reported as an error` });
      }
    }
  }
  return faults;
}

/**
 * A comparison with a value that may have the other sign, whose negative result is taken for an error: the report would name
 * an errno that no call gave.
 */
function inventsError(
  operation: Operation,
  operations: readonly Operation[],
  bits: number,
  program: ProgramBuilder,
): boolean {
  if (operation.nr >= 0 || operation.mask !== 1) return false;
  const report = operations[indexOfAddress(operation.onError)];
  if (report?.nr !== program.nr.write || report.args[1] !== ERROR_MESSAGE) return false;
  const value = operation.args[1]!;
  const other = value < 0 ? GOOD : value > 0 ? NEGATIVE : 0;
  return (bits & (other | ANY_SIGN)) !== 0;
}

function loads(operation: Operation, k: number): boolean {
  return (operation.mask & (1 << k)) !== 0;
}

/** Closing what was never opened does no harm, nor does any call whose error is ignored. */
function needsDescriptor(operation: Operation, index: number, k: number, program: ProgramBuilder): boolean {
  if (operation.nr < 0 || operation.nr === program.nr.close) return false;
  if (indexOfAddress(operation.onError) === index + 1) return false;
  const known = operation.args.map((_, i) => constantArgument(operation, i));
  const kind = argumentsOf(syscallName(operation.nr, program.arch)!, known)[k]?.kind;
  return kind === "fd" || kind === "dirfd";
}

/** Forward data flow to its fixed point. */
function flow(
  operations: readonly Operation[],
  program: ProgramBuilder,
  read: readonly number[],
): (State | undefined)[] {
  const states: (State | undefined)[] = operations.map(() => undefined);
  states[0] = Uint8Array.from(read, (address) => initialState(program, address));
  const waiting = [0];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    const operation = operations[index]!;
    for (const edge of edgesOf(operation, index, program.nr)) {
      const after = afterEdge(states[index]!, operation, edge, program, read);
      if (after === undefined) continue;
      if (edge.on === "positive" && sharesMemory(operation, program)) {
        for (const k of savedByChild(operation, operations, program, read)) after[k]! |= NEGATIVE | GOOD;
      }
      const merged = merge(states[edge.to], after);
      if (merged === undefined) continue;
      states[edge.to] = merged;
      waiting.push(edge.to);
    }
  }
  return states;
}

/** A clone whose child has the same memory (CLONE_VM): what the child saves, its parent may read. */
function sharesMemory(operation: Operation, program: ProgramBuilder): boolean {
  const { nr } = program;
  let flags: number | bigint | undefined;
  if (operation.nr === nr.clone) flags = operation.args[0]!;
  else if (operation.nr === nr.clone3) flags = numberAt(program, operation.args[0]!, 4);
  return flags !== undefined && (Number(flags) & CLONE_VM) !== 0;
}

/** Places in `read` of what the operations save that a clone's child can come to. */
function savedByChild(
  operation: Operation,
  operations: readonly Operation[],
  program: ProgramBuilder,
  read: readonly number[],
): number[] {
  const child = reachableFrom([indexOfAddress(operation.onZero)], operations, program);
  return [...child].map((index) => read.indexOf(operations[index]!.save)).filter((k) => k >= 0);
}

function initialState(program: ProgramBuilder, address: number): number {
  // The walker's own words: the operation that failed last, and its errno.
  if (address < SCRATCH) return address === ERROR_ADDRESS ? GOOD : NEGATIVE;
  const value = Number(BigInt.asIntN(32, numberAt(program, address, 4) ?? 0n));
  if (value === 0 && !program.presetSlots.includes(address)) return UNWRITTEN;
  return value < 0 ? NEGATIVE : GOOD;
}

/** The state that an edge leads to; undefined when the value that is tested never takes it. */
function afterEdge(
  before: State,
  operation: Operation,
  edge: Edge,
  program: ProgramBuilder,
  read: readonly number[],
): State | undefined {
  const after = before.slice();
  const tested = operation.nr < 0 && operation.mask === 1 ? read.indexOf(operation.args[0]!) : -1;
  if (tested >= 0) {
    // xor with a negative number turns the sign around: errors give zero or more, all else an error.
    const negative = (edge.on === "error") !== operation.args[1]! < 0;
    const bits = after[tested]! & ((negative ? NEGATIVE : GOOD) | UNWRITTEN | ANY_SIGN);
    if (bits === 0) return undefined;
    after[tested] = bits;
  }
  if (edge.on !== "error") markWritten(after, operation, edge, program, read);
  const saved = read.indexOf(operation.save);
  if (saved >= 0) after[saved] = edge.on === "error" ? NEGATIVE : GOOD;
  return after;
}

function markWritten(
  after: State,
  operation: Operation,
  edge: Edge,
  program: ProgramBuilder,
  read: readonly number[],
): void {
  // The pidfd is written to the parent's memory, not to the child's copy of it.
  if ((operation.nr === program.nr.clone3 || operation.nr === program.nr.clone) && edge.on === "zero") return;
  for (const { address, bytes } of kernelWrites(operation, program)) {
    for (const [k, place] of read.entries()) {
      // Descriptors and wait statuses are never negative; of longer data nothing is known.
      if (place >= address && place < address + bytes) after[k] = bytes <= 8 ? GOOD : ANY_SIGN;
    }
  }
}

/** Both states together, or undefined when the second brings nothing new. */
function merge(known: State | undefined, more: State): State | undefined {
  if (known === undefined) return more;
  let changed = false;
  const merged = known.slice();
  for (const [k, bits] of more.entries()) {
    if ((merged[k]! | bits) === merged[k]) continue;
    merged[k]! |= bits;
    changed = true;
  }
  return changed ? merged : undefined;
}
