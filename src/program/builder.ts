import { type Arch, hostArch, type SyscallNumbers, syscallNumbers } from "../../native-bindings/syscall-numbers.ts";
import {
  CONSTANT_BASE,
  DATA_BASE,
  DATA_END,
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

/** An address in the image's data where a 32-bit result is saved. */
export type Slot = number;
/** A place in the list that an operation can jump to. Negative until the program is finished. */
export type Label = number;

const encoder = new TextEncoder();

/** Added to a slot to mean "the value saved there" rather than "its address". Above every address and constant. */
const LOAD = 2 ** 40;

/** An argument: the value that an earlier operation saved. */
export function load(slot: Slot): number {
  return slot + LOAD;
}

/** The kernel would see only what stands before the NUL: another path than the one that was checked. */
function nulInString(text: string): RangeError {
  return new RangeError(`a string for the kernel has a NUL in it: ${JSON.stringify(text.slice(0, 100))}`);
}

/**
 * Writes a program down: operations, constants and data, in the form in which they are run.
 *
 * An operation that fails goes to {@link fail} unless it says otherwise; after zero and after any other result the next one
 * follows. `call(...)` appends; `.save() .onError() .onZero()` complete the operation appended last.
 */
export class ProgramBuilder {
  readonly arch: Arch;
  readonly nr: SyscallNumbers;
  /** Where the error of an operation that is appended from now on leads, unless it says otherwise. */
  fail: Label;
  /** The step that the operations appended from now on belong to. */
  step = 0;
  /** Names of saved values, for listings: slot → name. */
  readonly slotNames = new Map<Slot, string>();
  /** Slots that were given an initial value, zero included. */
  readonly presetSlots: Slot[] = [];
  /** Words that are not aligned on purpose: a part of a field that the kernel fills. */
  readonly unaligned: Slot[] = [];

  private words = new Int32Array(512 * OPERATION_WORDS);
  private count = 0;
  private at = 0;
  /** Label → operation index; -1 until placed. */
  private readonly labels: number[] = [];
  private constants: Uint8Array = new Uint8Array(32768);
  private constantsEnd = 0;
  private readonly strings = new Map<string, number>();
  private data = new Uint8Array(4096);
  private dataEnd = DATA_START - DATA_BASE;

  constructor(arch: Arch = hostArch) {
    this.arch = arch;
    this.nr = syscallNumbers(arch);
    this.fail = this.label();
    this.setWord(ERROR_MESSAGE, Message.Failed);
  }

  /** Number of operations so far. */
  get length(): number {
    return this.count;
  }

  /** Appends a system call. Arguments are 32-bit constants, addresses, or {@link load}ed values. */
  call(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): this {
    let words = this.words;
    const at = this.count * OPERATION_WORDS;
    if (at === words.length) {
      words = new Int32Array(at * 2);
      words.set(this.words);
      this.words = words;
    }
    let mask = 0;
    if (a >= LOAD) {
      mask |= 1;
      a -= LOAD;
    }
    if (b >= LOAD) {
      mask |= 2;
      b -= LOAD;
    }
    if (c >= LOAD) {
      mask |= 4;
      c -= LOAD;
    }
    if (d >= LOAD) {
      mask |= 8;
      d -= LOAD;
    }
    if (e >= LOAD) {
      mask |= 16;
      e -= LOAD;
    }
    if (f >= LOAD) {
      mask |= 32;
      f -= LOAD;
    }
    words[at + WORD_NUMBER] = nr;
    words[at + WORD_MASK] = mask;
    words[at + WORD_ARGUMENTS] = a;
    words[at + WORD_ARGUMENTS + 1] = b;
    words[at + WORD_ARGUMENTS + 2] = c;
    words[at + WORD_ARGUMENTS + 3] = d;
    words[at + WORD_ARGUMENTS + 4] = e;
    words[at + WORD_ARGUMENTS + 5] = f;
    words[at + WORD_SAVE] = SCRATCH;
    words[at + WORD_ON_ERROR] = this.fail;
    this.count++;
    words[at + WORD_ON_ZERO] = OPERATIONS_ADDRESS + this.count * OPERATION_BYTES;
    words[at + WORD_STEP] = this.step;
    this.at = at;
    return this;
  }

  /** Appends the pseudo-operation: `a ^ b`. Zero when equal; an error when the result is negative. */
  xor(a: number, b: number): this {
    return this.call(XOR, a, b);
  }

  /** The result of the last operation goes to `slot`. */
  save(slot: Slot): this {
    this.words[this.at + WORD_SAVE] = slot;
    return this;
  }

  /** After a negative result of the last operation. */
  onError(label: Label): this {
    this.words[this.at + WORD_ON_ERROR] = label;
    return this;
  }

  /** A negative result of the last operation is as good as any other. */
  ignoreError(): this {
    this.words[this.at + WORD_ON_ERROR] = OPERATIONS_ADDRESS + this.count * OPERATION_BYTES;
    return this;
  }

  /** After a zero result of the last operation. */
  onZero(label: Label): this {
    this.words[this.at + WORD_ON_ZERO] = label;
    return this;
  }

  /** Goes to `label`, always. */
  jump(label: Label): this {
    return this.call(XOR, 0, 0).onZero(label);
  }

  /** Goes to `label` if the saved result is this error. The saved value must be an error: like is compared with like. */
  jumpIfErrno(slot: Slot, errno: number, label: Label): this {
    return this.call(XOR, load(slot), -errno).onZero(label);
  }

  /** Fails with this errno, as an operation of its own. */
  raise(errno: number): this {
    return this.call(XOR, -errno, 0);
  }

  /** A new label, to be placed once. */
  label(): Label {
    this.labels.push(-1);
    return -this.labels.length;
  }

  /** The next operation is what `label` means. @throws Error for a label that has its place. */
  place(label: Label): void {
    if (this.labels[-label - 1] !== -1) throw new Error(`label ${-label} is placed already`);
    this.labels[-label - 1] = this.count;
  }

  /** Address of a constant C string. The same text is stored once. @throws RangeError for a NUL in it. */
  string(text: string): number {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    if (text.indexOf("\0") >= 0) throw nulInString(text);
    let into = this.constants;
    const start = this.constantsEnd;
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    if (start + text.length * 3 + 16 > into.length) into = this.growConstants(start + text.length * 3 + 16);
    const end = start + encoder.encodeInto(text, into.subarray(start)).written;
    into[end] = 0;
    this.constantsEnd = end + 1;
    const address = CONSTANT_BASE + start;
    this.strings.set(text, address);
    return address;
  }

  /** Address of constant bytes. */
  constant(bytes: Uint8Array, align = 8): number {
    const start = (this.constantsEnd + align - 1) & -align;
    if (start + bytes.length > this.constants.length) this.growConstants(start + bytes.length);
    this.constants.set(bytes, start);
    this.constantsEnd = start + bytes.length;
    return CONSTANT_BASE + start;
  }

  /** Address of constant 32-bit words. */
  constantWords(words: readonly number[]): number {
    // Not Int32Array.from: the engine compiles that built-in at its first use, 0.2 ms.
    return this.constant(new Uint8Array(new Int32Array(words).buffer));
  }

  /** Address of a NULL-terminated array of pointers to C strings, as execve(2) wants it. */
  stringArray(list: readonly string[]): number {
    const words = new Int32Array((list.length + 1) * 2);
    for (let i = 0; i < list.length; i++) words[i * 2] = this.string(list[i]!);
    return this.constant(new Uint8Array(words.buffer));
  }

  private growConstants(least: number): Uint8Array {
    const grown = new Uint8Array(Math.max(least, this.constants.length * 2));
    grown.set(this.constants);
    this.constants = grown;
    return grown;
  }

  /**
   * A 32-bit place for a result. The name is for listings.
   *
   * @param initial only for a value that may be read before anything is saved there: the checker reports such reads otherwise.
   */
  slot(name: string, initial?: number): Slot {
    const address = this.space(4, 4);
    if (initial !== undefined) {
      this.setWord(address, initial);
      this.presetSlots.push(address);
    }
    this.slotNames.set(address, name);
    return address;
  }

  /** Address of zeroed data of that size, which the kernel or {@link setWord} fills. */
  space(bytes: number, align = 8): number {
    const start = (this.dataEnd + align - 1) & -align;
    const end = start + bytes;
    if (DATA_BASE + end > DATA_END) throw new RangeError("the program's data is too large");
    if (end > this.data.length) {
      const grown = new Uint8Array(Math.max(end, this.data.length * 2));
      grown.set(this.data);
      this.data = grown;
    }
    this.dataEnd = end;
    return DATA_BASE + start;
  }

  /** Address of data that starts out as these 32-bit words. */
  dataWords(words: readonly number[]): number {
    const address = this.space(words.length * 4, 8);
    for (let i = 0; i < words.length; i++) this.setWord(address + i * 4, words[i]!);
    return address;
  }

  /** The initial value of a data word. */
  setWord(address: number, value: number): void {
    const data = this.data;
    const at = address - DATA_BASE;
    data[at] = value;
    data[at + 1] = value >> 8;
    data[at + 2] = value >> 16;
    data[at + 3] = value >> 24;
  }

  /** The list with every label resolved. @throws Error for a label that was used and never placed. */
  operations(): Int32Array {
    const list = this.words.subarray(0, this.count * OPERATION_WORDS);
    for (let at = 0; at < list.length; at += OPERATION_WORDS) {
      const onError = list[at + WORD_ON_ERROR]!;
      if (onError < 0) list[at + WORD_ON_ERROR] = this.resolve(onError);
      const onZero = list[at + WORD_ON_ZERO]!;
      if (onZero < 0) list[at + WORD_ON_ZERO] = this.resolve(onZero);
    }
    return list;
  }

  /** Indexes of the operations that lead to a label without a place, which {@link operations} would refuse. */
  unplaced(): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const targets = [
        this.words[i * OPERATION_WORDS + WORD_ON_ERROR]!,
        this.words[i * OPERATION_WORDS + WORD_ON_ZERO]!,
      ];
      if (targets.some((target) => target < 0 && this.labels[-target - 1] === -1)) found.push(i);
    }
    return found;
  }

  /** True for the pseudo-operation: no system call. */
  isDecision(index: number): boolean {
    return this.words[index * OPERATION_WORDS + WORD_NUMBER]! < 0;
  }

  /** The step that an operation belongs to. */
  stepOf(index: number): number {
    return this.words[index * OPERATION_WORDS + WORD_STEP]!;
  }

  private resolve(label: Label): number {
    const index = this.labels[-label - 1]!;
    if (index < 0) throw new Error(`label ${-label} is used but never placed`);
    return OPERATIONS_ADDRESS + index * OPERATION_BYTES;
  }

  /** The constants, as they will be mapped at CONSTANT_BASE. */
  constantBytes(): Uint8Array {
    return this.constants.subarray(0, this.constantsEnd);
  }

  /** The initial data, as it will be mapped at DATA_BASE. */
  dataBytes(): Uint8Array {
    return this.data.subarray(0, this.dataEnd);
  }
}
