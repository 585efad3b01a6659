import type { ProgramBuilder } from "./builder.ts";
import {
  CONSTANT_BASE,
  DATA_BASE,
  OPERATION_BYTES,
  OPERATION_WORDS,
  OPERATIONS_ADDRESS,
  WORD_ARGUMENTS,
  WORD_MASK,
  WORD_NUMBER,
  WORD_ON_ERROR,
  WORD_ON_ZERO,
  WORD_SAVE,
  WORD_STEP,
} from "./layout.ts";

/** One operation, read back from its twelve words. */
export interface Operation {
  /** System call number; negative: xor. */
  readonly nr: number;
  /** Bit k: argument k is the address of a saved value. */
  readonly mask: number;
  readonly args: readonly number[];
  readonly save: number;
  /** Addresses, or negative labels in a program that is not finished. */
  readonly onError: number;
  readonly onZero: number;
  readonly step: number;
}

/** Operation `index` of a list. For listings and checks, not for the hot path. */
export function operationAt(list: Int32Array, index: number): Operation {
  const at = index * OPERATION_WORDS;
  return {
    nr: list[at + WORD_NUMBER]!,
    mask: list[at + WORD_MASK]!,
    args: [...list.subarray(at + WORD_ARGUMENTS, at + WORD_ARGUMENTS + 6)],
    save: list[at + WORD_SAVE]!,
    onError: list[at + WORD_ON_ERROR]!,
    onZero: list[at + WORD_ON_ZERO]!,
    step: list[at + WORD_STEP]!,
  };
}

/** Every operation of a program whose labels are all placed. */
export function operationsOf(program: ProgramBuilder): Operation[] {
  const list = program.operations();
  return Array.from({ length: program.length }, (_, index) => operationAt(list, index));
}

/** The index that an address in the list has; not an integer when it isn't the start of an operation. */
export function indexOfAddress(address: number): number {
  return (address - OPERATIONS_ADDRESS) / OPERATION_BYTES;
}

/** Argument `k` when it is known beforehand; undefined for a value that an earlier operation saves. */
export function constantArgument(operation: Operation, k: number): number | undefined {
  return (operation.mask & (1 << k)) === 0 ? operation.args[k] : undefined;
}

/** Initial bytes at an address, or undefined when they are not all in the constants or all in the data. */
export function bytesAt(program: ProgramBuilder, address: number, length: number): Uint8Array | undefined {
  for (const [base, bytes] of [
    [CONSTANT_BASE, program.constantBytes()],
    [DATA_BASE, program.dataBytes()],
  ] as const) {
    const start = address - base;
    if (start >= 0 && start + length <= bytes.length) return bytes.subarray(start, start + length);
  }
  return undefined;
}

/** Bytes of the C string at an address, without its NUL; undefined when there is none. */
export function stringAt(program: ProgramBuilder, address: number): Uint8Array | undefined {
  const constant = address < DATA_BASE;
  const segment = constant ? program.constantBytes() : program.dataBytes();
  const start = address - (constant ? CONSTANT_BASE : DATA_BASE);
  const end = start < 0 ? -1 : segment.indexOf(0, start);
  return end < 0 ? undefined : segment.subarray(start, end);
}

/** An initial little-endian unsigned number of 1 to 8 bytes. */
export function numberAt(program: ProgramBuilder, address: number, bytes: number): bigint | undefined {
  const found = bytesAt(program, address, bytes);
  if (found === undefined) return undefined;
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(found[i]!);
  return value;
}
