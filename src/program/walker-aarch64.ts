import {
  add,
  branch,
  branchIfBitClear,
  branchIfBitSet,
  branchIfZero,
  exclusiveOr,
  loadSigned,
  loadWord,
  movkHigh,
  movz,
  storeWord,
  supervisorCall,
} from "./aarch64-instructions.ts";
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
 * @returns 160 bytes of machine code. walker.test.ts disassembles it.
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
