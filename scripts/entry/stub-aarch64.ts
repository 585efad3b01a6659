import {
  add,
  addShifted,
  branch,
  branchIf,
  branchIfBitClear,
  branchIfBitSet,
  branchIfZero,
  branchTo,
  branchUnlessZero,
  compareShifted,
  compareTo,
  EQUAL,
  LOWER,
  loadByte,
  loadLong,
  loadLongNext,
  move,
  movkLong,
  movz,
  movzLong,
  NOT_EQUAL,
  NOT_LOWER,
  SP,
  setCaseBits,
  store,
  storeByte,
  storeLong,
  storeLongNext,
  storeWord,
  subtractPages,
  ZERO,
} from "../../src/program/aarch64-instructions.ts";
import { Code } from "./aarch64-code.ts";
import {
  type Cargo,
  DIRECTORY_GONE_OFFSET,
  dropped,
  ENVIRONMENT_LIMIT,
  ENVIRONMENT_OFFSET,
  F_DUPFD_CLOEXEC,
  LIMITS_KNOWN_OFFSET,
  LIMITS_OFFSET,
  MFD_CLOEXEC,
  MFD_NOEXEC_SEAL,
  MODULE_OFFSET,
  PATH_BYTES,
  RECORD_ADDRESS,
  RLIMIT_NOFILE,
  START_OFFSET,
} from "./layout.ts";

// asm-generic/unistd.h
const GETCWD = 17;
const FCNTL = 25;
const CHDIR = 49;
const CLOSE = 57;
const WRITE_FILE = 64;
const PRLIMIT64 = 261;
const MEMFD_CREATE = 279;

/** What exit must call, from x0. */
const AT_EXIT = 20;
const RECORD = 19;
const READ = 10;
const WRITE = 11;
const VARIABLE = 12;
const CHARACTERS = 13;
const EXPECTED = 14;
const LIMIT = 15;
const ENGINE = 16;
const AUXILIARY = 21;
const MODULE = 22;
const SIGN = 31;

/**
 * What runs before the engine on aarch64.
 *
 * At entry sp points at argc, and x0 has what exit must call: both are handed on as they were. No other register has a meaning
 * there, and system calls change x0 only. entry.test.ts disassembles it.
 *
 * @param engine the address of the engine's own entry.
 * @param environ where the address of the C library's `environ` is.
 */
export function stubAarch64(engine: number, environ: number, cargo: Cargo): Uint8Array {
  const code = new Code();
  code.emit(move(AT_EXIT, 0));
  code.set(RECORD, RECORD_ADDRESS);
  code.emit(add(READ, SP, 0), store(READ, RECORD, START_OFFSET));
  dropVariables(code);
  noteLimits(code);
  leaveDeletedDirectory(code, cargo);
  handOverModule(code, cargo, environ);
  code.emit(move(0, AT_EXIT));
  code.set(ENGINE, engine);
  code.emit(branchTo(ENGINE));
  return new Uint8Array(new Int32Array(code.words).buffer);
}

/** What stays moves up, and zeros follow up to the end: the auxiliary vector keeps its place, which is remembered. */
function dropVariables(code: Code): void {
  startOfEnvironment(code);
  code.emit(move(WRITE, READ));
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
  code.emit(move(AUXILIARY, READ));
  const clear = code.words.length;
  code.emit(storeLongNext(ZERO, WRITE), compareShifted(WRITE, READ, 0));
  code.back(clear, (distance) => branchIf(LOWER, distance));
}

function startOfEnvironment(code: Code): void {
  code.emit(loadLong(READ, SP), addShifted(READ, SP, READ, 3), add(READ, READ, 16));
}

function noteLimits(code: Code): void {
  code.emit(movz(0, 0), movz(1, RLIMIT_NOFILE), movz(2, 0), add(3, RECORD, LIMITS_OFFSET));
  code.call(PRLIMIT64);
  code.emit(compareTo(0, 0));
  code.over(
    (distance) => branchIf(NOT_EQUAL, distance),
    () => code.note(RECORD, LIMITS_KNOWN_OFFSET),
  );
}

/**
 * The path goes below the stack, where nothing is yet. It is there when it begins with a slash: a call that fails writes nothing,
 * and what cannot be reached begins with "(unreachable)".
 */
function leaveDeletedDirectory(code: Code, cargo: Cargo): void {
  code.emit(subtractPages(READ, SP, 1), storeByte(ZERO, READ), move(0, READ), movz(1, PATH_BYTES));
  code.call(GETCWD);
  code.emit(loadByte(CHARACTERS, READ), compareTo(CHARACTERS, 0x2f));
  code.over(
    (there) => branchIf(EQUAL, there),
    () => {
      code.set(0, cargo.root);
      code.call(CHDIR);
      code.note(RECORD, DIRECTORY_GONE_OFFSET);
    },
  );
}

/** The call module as a file in memory, noted down; and, when that could be, the option that lets the engine do without its compiler. */
function handOverModule(code: Code, cargo: Cargo, environ: number): void {
  createFile(code, cargo, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  code.over(
    (made) => branchIfBitClear(0, SIGN, made),
    () => createFile(code, cargo, MFD_CLOEXEC), // The other flag is of Linux 6.3.
  );
  code.over(
    (none) => branchIfBitSet(0, SIGN, none),
    () => {
      code.emit(move(MODULE, 0));
      aboveStandardStreams(code);
      code.emit(move(0, MODULE));
      code.set(1, cargo.module);
      code.set(2, cargo.moduleBytes);
      code.call(WRITE_FILE); // Fails, too, when there was no higher descriptor.
      code.set(EXPECTED, cargo.moduleBytes);
      code.emit(compareShifted(0, EXPECTED, 0));
      code.over(
        (short) => branchIf(NOT_EQUAL, short),
        () => {
          code.emit(storeWord(MODULE, RECORD, MODULE_OFFSET));
          addOption(code, cargo, environ);
        },
      );
    },
  );
}

function createFile(code: Code, cargo: Cargo, flags: number): void {
  code.set(0, cargo.moduleName);
  code.emit(movz(1, flags));
  code.call(MEMFD_CREATE);
}

/** A standard stream that the caller closed stays so: the engine opens /dev/null there. */
function aboveStandardStreams(code: Code): void {
  code.emit(compareTo(MODULE, 3));
  code.over(
    (above) => branchIf(NOT_LOWER, above),
    () => {
      code.emit(move(VARIABLE, 0), movz(1, F_DUPFD_CLOEXEC), movz(2, 3));
      code.call(FCNTL);
      code.emit(move(MODULE, 0), move(0, VARIABLE));
      code.call(CLOSE);
    },
  );
}

/** Copies the environment, since there is no room for one variable more where it is, and the auxiliary vector behind it. */
function addOption(code: Code, cargo: Cargo, environ: number): void {
  startOfEnvironment(code);
  code.emit(add(WRITE, RECORD, ENVIRONMENT_OFFSET));
  code.set(LIMIT, ENVIRONMENT_LIMIT);
  const next = code.words.length;
  code.emit(loadLongNext(VARIABLE, READ));
  // Past the copying, to the option; or, when there are too many, past everything.
  const toOption = code.words.length;
  code.emit(0, compareShifted(WRITE, LIMIT, 0));
  code.over(
    (tooMany) => branchIf(NOT_LOWER, tooMany),
    () => {
      code.emit(storeLongNext(VARIABLE, WRITE));
      code.back(next, branch);
      code.words[toOption] = branchIfZero(VARIABLE, code.words.length - toOption);
      code.set(VARIABLE, cargo.withoutJit);
      code.emit(storeLongNext(VARIABLE, WRITE), storeLongNext(ZERO, WRITE), move(READ, AUXILIARY));
      const auxiliary = code.words.length;
      code.emit(loadLongNext(VARIABLE, READ), loadLongNext(CHARACTERS, READ));
      code.emit(storeLongNext(VARIABLE, WRITE), storeLongNext(CHARACTERS, WRITE));
      code.back(auxiliary, (distance) => branchUnlessZero(VARIABLE, distance));
      code.set(READ, environ);
      code.emit(loadLong(READ, READ), add(WRITE, RECORD, ENVIRONMENT_OFFSET), storeLong(WRITE, READ));
    },
  );
}
