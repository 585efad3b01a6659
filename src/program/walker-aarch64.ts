import { ERROR_ADDRESS, OPERATION_BYTES, OPERATIONS_ADDRESS } from "./layout.ts";

/** Register that holds the address of the current operation. */
const CURRENT = 20;
/** Register that holds its mask. */
const MASK = 21;
const NUMBER = 8;
const ADDRESS = 9;
const ERROR = 10;

/**
 * The walker for aarch64: goes through the list of operations, forever.
 *
 * x20 is the current operation, w21 its mask, x0 to x5 the arguments, x8 the number; the kernel changes x0 only (syscall(2)).
 * No stack, no relocations, no calls.
 *
 * @returns 160 bytes of machine code. Source of the encodings: Arm ARM (DDI 0487) C6.2; walker.test.ts disassembles them.
 */
export function walkerAarch64(): Uint8Array {
  const code = new Int32Array(40);
  let at = 0;
  const emit = (instruction: number) => {
    code[at++] = instruction;
  };

  emit(movz(CURRENT, OPERATIONS_ADDRESS & 0xffff));
  emit(movkHigh(CURRENT, OPERATIONS_ADDRESS >>> 16));
  const loop = at;
  emit(loadWord(MASK, CURRENT, 4));
  for (let k = 0; k < 6; k++) {
    emit(loadSigned(k, CURRENT, 8 + 4 * k));
    emit(branchIfBitClear(MASK, k, 2));
    emit(loadSigned(k, k, 0));
  }
  emit(loadSigned(NUMBER, CURRENT, 0));
  const jumpToPseudo = at++;
  emit(supervisorCall());
  const store = at;
  emit(loadWord(ADDRESS, CURRENT, 32));
  emit(storeWord(0, ADDRESS, 0));
  const jumpToError = at++;
  const jumpToZero = at++;
  emit(add(CURRENT, CURRENT, OPERATION_BYTES));
  emit(branch(loop - at));
  code[jumpToZero] = branchIfZero(0, at - jumpToZero);
  emit(loadWord(CURRENT, CURRENT, 40));
  emit(branch(loop - at));
  code[jumpToError] = branchIfBitSet(0, 63, at - jumpToError);
  emit(movz(ERROR, ERROR_ADDRESS & 0xffff));
  emit(movkHigh(ERROR, ERROR_ADDRESS >>> 16));
  emit(storeWord(CURRENT, ERROR, 0));
  emit(storeWord(0, ERROR, 4));
  emit(loadWord(CURRENT, CURRENT, 36));
  emit(branch(loop - at));
  code[jumpToPseudo] = branchIfBitSet(NUMBER, 31, at - jumpToPseudo);
  emit(exclusiveOr(0, 0, 1));
  emit(branch(store - at));
  return new Uint8Array(code.buffer);
}

// One function an instruction. Offsets of loads and stores are in bytes, those of branches in instructions.

/** movz wD, #value */
function movz(d: number, value: number): number {
  return 0x52800000 | (value << 5) | d;
}

/** movk wD, #value, lsl #16 */
function movkHigh(d: number, value: number): number {
  return 0x72a00000 | (value << 5) | d;
}

/** ldr wT, [xN, #offset] */
function loadWord(t: number, n: number, offset: number): number {
  return 0xb9400000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** ldrsw xT, [xN, #offset] */
function loadSigned(t: number, n: number, offset: number): number {
  return 0xb9800000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** str wT, [xN, #offset] */
function storeWord(t: number, n: number, offset: number): number {
  return 0xb9000000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** add xD, xN, #value */
function add(d: number, n: number, value: number): number {
  return 0x91000000 | (value << 10) | (n << 5) | d;
}

/** eor xD, xN, xM */
function exclusiveOr(d: number, n: number, m: number): number {
  return 0xca000000 | (m << 16) | (n << 5) | d;
}

/** svc #0 */
function supervisorCall(): number {
  return 0xd4000001;
}

/** tbz xT, #bit, offset */
function branchIfBitClear(t: number, bit: number, offset: number): number {
  return 0x36000000 | bitAndTarget(bit, offset) | t;
}

/** tbnz xT, #bit, offset */
function branchIfBitSet(t: number, bit: number, offset: number): number {
  return 0x37000000 | bitAndTarget(bit, offset) | t;
}

/** The bit's number is split: its sixth bit is the instruction's highest. */
function bitAndTarget(bit: number, offset: number): number {
  return ((bit >> 5) << 31) | ((bit & 31) << 19) | ((offset & 0x3fff) << 5);
}

/** cbz xT, offset */
function branchIfZero(t: number, offset: number): number {
  return 0xb4000000 | ((offset & 0x7ffff) << 5) | t;
}

/** b offset */
function branch(offset: number): number {
  return 0x14000000 | (offset & 0x3ffffff);
}
