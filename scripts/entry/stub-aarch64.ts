import {
  add,
  addShifted,
  branch,
  branchIf,
  branchIfZero,
  branchTo,
  compareShifted,
  compareTo,
  EQUAL,
  LOWER,
  loadByte,
  loadLong,
  loadLongNext,
  move,
  movkHigh,
  movkLong,
  movz,
  movzLong,
  NOT_EQUAL,
  SP,
  setCaseBits,
  storeByte,
  storeLongNext,
  storeWord,
  subtractPages,
  supervisorCall,
  ZERO,
} from "../../src/program/aarch64-instructions.ts";
import {
  DIRECTORY_GONE_OFFSET,
  dropped,
  LIMITS_KNOWN_OFFSET,
  LIMITS_OFFSET,
  PATH_BYTES,
  RECORD_ADDRESS,
  RLIMIT_NOFILE,
  STUB_ADDRESS,
} from "./layout.ts";

// asm-generic/unistd.h
const GETCWD = 17;
const CHDIR = 49;
const PRLIMIT64 = 261;

/** What exit must call, from x0. */
const AT_EXIT = 20;
const RECORD = 19;
const READ = 10;
const WRITE = 11;
const VARIABLE = 12;
const CHARACTERS = 13;
const EXPECTED = 14;
const NUMBER = 8;
const ENGINE = 16;

/** Machine code that grows. */
class Code {
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

  /** Notes down a one. */
  note(offset: number): void {
    this.emit(movz(CHARACTERS, 1), storeWord(CHARACTERS, RECORD, offset));
  }
}

/**
 * What runs before the engine on aarch64, at {@link STUB_ADDRESS}.
 *
 * At entry sp points at argc, and x0 has what exit must call: both are handed on as they were. No other register has a meaning
 * there, and system calls change x0 only. entry.test.ts disassembles it.
 *
 * @param engine the address of the engine's own entry.
 */
export function stubAarch64(engine: number): Uint8Array {
  const code = new Code();
  code.emit(branch(2), 0x2f); // The path "/" is at STUB_ADDRESS + 4.
  code.emit(move(AT_EXIT, 0));
  code.set(RECORD, RECORD_ADDRESS);
  dropVariables(code);
  noteLimits(code);
  leaveDeletedDirectory(code);
  code.emit(move(0, AT_EXIT));
  code.set(ENGINE, engine);
  code.emit(branchTo(ENGINE));
  return new Uint8Array(new Int32Array(code.words).buffer);
}

/** What stays moves up, and zeros follow up to the end: the auxiliary vector keeps its place. */
function dropVariables(code: Code): void {
  code.emit(loadLong(READ, SP), addShifted(READ, SP, READ, 3), add(READ, READ, 16), move(WRITE, READ));
  const next = code.words.length;
  code.emit(loadLongNext(VARIABLE, READ));
  code.over(
    (end) => branchIfZero(VARIABLE, end),
    () => {
      // The kernel has eight more bytes after the last variable.
      code.emit(loadLong(CHARACTERS, VARIABLE), setCaseBits(CHARACTERS, CHARACTERS));
      for (const { shift, expected } of dropped) {
        code.emit(movzLong(EXPECTED, Number(expected & 0xffffn)));
        for (let place = 1; place < 4; place++) {
          code.emit(movkLong(EXPECTED, Number((expected >> BigInt(16 * place)) & 0xffffn), place));
        }
        code.emit(compareShifted(EXPECTED, CHARACTERS, shift));
        code.back(next, (distance) => branchIf(EQUAL, distance));
      }
      code.emit(storeLongNext(VARIABLE, WRITE));
      code.back(next, branch);
    },
  );
  const clear = code.words.length;
  code.emit(storeLongNext(ZERO, WRITE), compareShifted(WRITE, READ, 0));
  code.back(clear, (distance) => branchIf(LOWER, distance));
}

function noteLimits(code: Code): void {
  code.emit(movz(0, 0), movz(1, RLIMIT_NOFILE), movz(2, 0), add(3, RECORD, LIMITS_OFFSET));
  code.call(PRLIMIT64);
  code.emit(compareTo(0, 0));
  code.over(
    (distance) => branchIf(NOT_EQUAL, distance),
    () => code.note(LIMITS_KNOWN_OFFSET),
  );
}

/**
 * The path goes below the stack, where nothing is yet. It is there when it begins with a slash: a call that fails writes nothing,
 * and what cannot be reached begins with "(unreachable)".
 */
function leaveDeletedDirectory(code: Code): void {
  code.emit(subtractPages(READ, SP, 1), storeByte(ZERO, READ), move(0, READ), movz(1, PATH_BYTES));
  code.call(GETCWD);
  code.emit(loadByte(CHARACTERS, READ), compareTo(CHARACTERS, 0x2f));
  code.over(
    (there) => branchIf(EQUAL, there),
    () => {
      code.set(0, STUB_ADDRESS + 4);
      code.call(CHDIR);
      code.note(DIRECTORY_GONE_OFFSET);
    },
  );
}
