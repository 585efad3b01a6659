import { movkHigh, movz, storeWord, supervisorCall } from "../../src/program/aarch64-instructions.ts";

/** The number of a system call, and what it is made with while a one is noted down. */
const NUMBER = 8;
const ONE = 13;

/** Machine code of aarch64 that grows. */
export class Code {
  readonly words: number[] = [];

  emit(...instructions: number[]): void {
    for (const instruction of instructions) this.words.push(instruction);
  }

  /** @param jump makes the jump of its distance. */
  back(target: number, jump: (distance: number) => number): void {
    this.emit(jump(target - this.words.length));
  }

  /** Leaves room for a jump over what `between` emits. */
  over(jump: (distance: number) => number, between: () => void): void {
    const at = this.words.length;
    this.emit(0);
    between();
    this.words[at] = jump(this.words.length - at);
  }

  /** Four bytes into a register; the upper half becomes zero. */
  set(register: number, value: number): void {
    this.emit(movz(register, value & 0xffff), movkHigh(register, value >>> 16));
  }

  call(nr: number): void {
    this.emit(movz(NUMBER, nr), supervisorCall());
  }

  /** Notes down a one, `offset` bytes into the record. */
  note(record: number, offset: number): void {
    this.emit(movz(ONE, 1), storeWord(ONE, record, offset));
  }
}
