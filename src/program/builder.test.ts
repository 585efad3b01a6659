import { expect, test } from "bun:test";
import { load, ProgramBuilder } from "./builder.ts";
import {
  CONSTANT_BASE,
  DATA_BASE,
  DATA_START,
  ERROR_MESSAGE,
  Message,
  OPERATION_BYTES,
  OPERATION_WORDS,
  OPERATIONS_ADDRESS,
  SCRATCH,
  WORD_ARGUMENTS,
  WORD_MASK,
  WORD_NUMBER,
  WORD_ON_ERROR,
  WORD_ON_ZERO,
  WORD_SAVE,
  WORD_STEP,
  XOR,
} from "./layout.ts";

const addressOfOperation = (index: number) => OPERATIONS_ADDRESS + index * OPERATION_BYTES;

function word(p: ProgramBuilder, index: number, field: number): number {
  return p.operations()[index * OPERATION_WORDS + field]!;
}

/** The C string at a constant address. */
function stringAt(p: ProgramBuilder, address: number): string {
  const bytes = p.constantBytes().subarray(address - CONSTANT_BASE);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

function tail(p: ProgramBuilder): void {
  p.place(p.fail);
  p.call(p.nr.exit_group, 99);
}

test("a call is twelve words: number, mask, arguments, scratch, fail, the next operation, the step", () => {
  const p = new ProgramBuilder("x86_64");
  p.step = 5;
  p.call(p.nr.mount, 1, 2, 3, 4, 5, -6);
  tail(p);
  expect([...p.operations().subarray(0, OPERATION_WORDS)]).toEqual([
    ...[165, 0, 1, 2, 3, 4, 5, -6],
    ...[SCRATCH, addressOfOperation(1), addressOfOperation(1), 5],
  ]);
});

test("each loaded argument sets its own bit of the mask and leaves the slot's address", () => {
  const p = new ProgramBuilder("x86_64");
  const slot = p.slot("x");
  for (let k = 0; k < 6; k++) {
    const args = [0, 0, 0, 0, 0, 0];
    args[k] = load(slot);
    p.call(p.nr.close, ...(args as [number]));
  }
  p.call(p.nr.close, load(slot), load(slot), load(slot), load(slot), load(slot), load(slot));
  tail(p);
  for (let k = 0; k < 6; k++) {
    expect(word(p, k, WORD_MASK)).toBe(1 << k);
    expect(word(p, k, WORD_ARGUMENTS + k)).toBe(slot);
  }
  expect(word(p, 6, WORD_MASK)).toBe(63);
});

test("unsigned 32-bit constants keep their bits", () => {
  const p = new ProgramBuilder("x86_64");
  p.call(p.nr.close_range, 3, 0xffffffff, 4);
  tail(p);
  expect(word(p, 0, WORD_ARGUMENTS + 1)).toBe(-1);
});

test("save, onError, onZero and ignoreError complete the operation appended last", () => {
  const p = new ProgramBuilder("x86_64");
  const slot = p.slot("fd");
  const later = p.label();
  p.call(p.nr.getpid).save(slot).onZero(later).onError(later);
  p.call(p.nr.getpid).ignoreError();
  p.place(later);
  tail(p);
  expect(word(p, 0, WORD_SAVE)).toBe(slot);
  expect(word(p, 0, WORD_ON_ZERO)).toBe(addressOfOperation(2));
  expect(word(p, 0, WORD_ON_ERROR)).toBe(addressOfOperation(2));
  expect(word(p, 1, WORD_ON_ERROR)).toBe(addressOfOperation(2));
});

test("labels may lead backward", () => {
  const p = new ProgramBuilder("x86_64");
  const again = p.label();
  p.call(p.nr.getpid);
  p.place(again);
  p.call(p.nr.getpid).onError(again);
  p.jump(again);
  tail(p);
  expect(word(p, 1, WORD_ON_ERROR)).toBe(addressOfOperation(1));
  expect(word(p, 2, WORD_ON_ZERO)).toBe(addressOfOperation(1));
});

test("a label that is used and never placed, or placed twice, is an error", () => {
  const unplaced = new ProgramBuilder("x86_64");
  unplaced.call(unplaced.nr.getpid).onZero(unplaced.label());
  tail(unplaced);
  expect(() => unplaced.operations()).toThrow("never placed");
  const twice = new ProgramBuilder("x86_64");
  twice.place(twice.fail);
  expect(() => twice.place(twice.fail)).toThrow("placed already");
});

test("the xor operations are number -1 with the operands that decide", () => {
  const p = new ProgramBuilder("x86_64");
  const slot = p.slot("x");
  p.jumpIfErrno(slot, 2, p.fail);
  p.raise(110);
  tail(p);
  expect([WORD_NUMBER, WORD_MASK, WORD_ARGUMENTS, WORD_ARGUMENTS + 1].map((f) => word(p, 0, f))).toEqual([
    XOR,
    1,
    slot,
    -2,
  ]);
  expect([WORD_NUMBER, WORD_MASK, WORD_ARGUMENTS, WORD_ARGUMENTS + 1].map((f) => word(p, 1, f))).toEqual([
    XOR,
    0,
    -110,
    0,
  ]);
});

test("operations keep their words when there are more than fit at first", () => {
  const p = new ProgramBuilder("x86_64");
  for (let i = 0; i < 1500; i++) {
    p.step = i;
    p.call(p.nr.prctl, i, 2 * i).ignoreError();
  }
  tail(p);
  expect(p.length).toBe(1501);
  for (const i of [0, 511, 512, 1023, 1024, 1499]) {
    expect(word(p, i, WORD_STEP)).toBe(i);
    expect(word(p, i, WORD_ARGUMENTS + 1)).toBe(2 * i);
    expect(word(p, i, WORD_ON_ERROR)).toBe(addressOfOperation(i + 1));
  }
});

test("the same string is stored once, another one elsewhere", () => {
  const p = new ProgramBuilder("x86_64");
  const proc = p.string("/proc");
  expect(p.string("/sys")).toBe(proc + 6);
  expect(p.string("/proc")).toBe(proc);
  expect(stringAt(p, proc)).toBe("/proc");
});

test("strings are UTF-8, the empty one too", () => {
  const p = new ProgramBuilder("x86_64");
  for (const text of ["", "é", "/mnt/größe/データ", "a😀b", "😀"]) expect(stringAt(p, p.string(text))).toBe(text);
});

test("a string with a NUL in it is refused, since the kernel would see only the part before it", () => {
  const p = new ProgramBuilder("x86_64");
  expect(() => p.string("/etc\0/harmless")).toThrow("NUL");
  expect(() => p.string("/é\0/harmless")).toThrow("NUL");
});

test("constants grow beyond their first size and keep what was there", () => {
  const p = new ProgramBuilder("x86_64");
  const first = p.string("first");
  const long = "x".repeat(20_000);
  const second = p.string(long);
  const third = p.constant(new Uint8Array(100_000).fill(7));
  const wide = p.string("é".repeat(50_000));
  expect(stringAt(p, first)).toBe("first");
  expect(stringAt(p, second)).toBe(long);
  expect(p.constantBytes()[third - CONSTANT_BASE + 99_999]).toBe(7);
  expect(stringAt(p, wide)).toBe("é".repeat(50_000));
});

test("constants are aligned as asked", () => {
  const p = new ProgramBuilder("x86_64");
  p.string("a");
  expect(p.constant(new Uint8Array(3), 16) % 16).toBe(0);
  expect(p.constantWords([1, -1]) % 8).toBe(0);
});

test("a string array is pointers to its strings and a NULL", () => {
  const p = new ProgramBuilder("x86_64");
  const address = p.stringArray(["/bin/sh", "-c", "é"]);
  const view = new DataView(p.constantBytes().slice(address - CONSTANT_BASE).buffer);
  const pointers = [0, 8, 16, 24].map((at) => Number(view.getBigUint64(at, true)));
  expect(pointers.slice(0, 3).map((at) => stringAt(p, at))).toEqual(["/bin/sh", "-c", "é"]);
  expect(pointers[3]).toBe(0);
});

test("data starts with the error message's tag and holds the initial values of slots and words", () => {
  const p = new ProgramBuilder("x86_64");
  const empty = p.slot("empty");
  const preset = p.slot("preset", -7);
  const words = p.dataWords([1, 0x80000000]);
  const view = new DataView(p.dataBytes().slice().buffer);
  expect(empty).toBe(DATA_START);
  expect(view.getInt32(ERROR_MESSAGE - DATA_BASE, true)).toBe(Message.Failed);
  expect(view.getInt32(empty - DATA_BASE, true)).toBe(0);
  expect(view.getInt32(preset - DATA_BASE, true)).toBe(-7);
  expect(words % 8).toBe(0);
  expect(view.getUint32(words + 4 - DATA_BASE, true)).toBe(0x80000000);
  expect(p.slotNames.get(preset)).toBe("preset");
});

test("data grows, zeroed, and has a limit", () => {
  const p = new ProgramBuilder("x86_64");
  const kept = p.slot("kept", 3);
  const big = p.space(100_000);
  expect(p.dataBytes().length).toBe(big + 100_000 - DATA_BASE);
  expect(p.dataBytes()[kept - DATA_BASE]).toBe(3);
  expect(p.dataBytes()[big - DATA_BASE + 99_999]).toBe(0);
  expect(() => p.space(0x4000000)).toThrow("too large");
});

test("each architecture has its own numbers", () => {
  expect(new ProgramBuilder("x86_64").nr.execve).toBe(59);
  expect(new ProgramBuilder("aarch64").nr.execve).toBe(221);
});
