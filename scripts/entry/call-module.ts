/**
 * The call module: a shared object of some 900 bytes with one function, by which the runtime calls the kernel and the C library.
 *
 * It is a Node-API addon, which the engine loads without its just-in-time compiler: the engine's own FFI needs that, and setting
 * it up costs 0.4 ms at every start (docs/measurements.md). Whoever looks at the process finds no memory in it that is both
 * writable and executable.
 *
 * The function takes eight numbers: which of {@link targets} to call, and its arguments; and returns its result. What is missing
 * is zero. Source of the format: System V ABI, chapters 4 and 5 (ELF); nodejs.org, "Node-API".
 */
import { callAarch64 } from "./call-aarch64.ts";
import { callX8664 } from "./call-x86-64.ts";

/** What can be called: a raw system call, which is of the module itself, and posix_spawn(3). */
export const targets = ["raw", "posix_spawn"] as const;

/** What the module uses, in the order of its table of addresses. */
const imports = [
  "posix_spawn",
  "napi_get_cb_info",
  "napi_get_value_int64",
  "napi_create_int64",
  "napi_create_function",
];

const machines = {
  x86_64: { number: 62, make: callX8664, globalData: 6, relative: 8 },
  aarch64: { number: 183, make: callAarch64, globalData: 1025, relative: 1027 },
} as const;

export type MachineName = keyof typeof machines;

// elf.h
const FILE_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 24;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_GNU_STACK = 0x6474e551;
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;
const GLOBAL_FUNCTION = 0x12;
const GLOBAL = 0x10;
const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, RELA: 7, RELASZ: 8, RELAENT: 9, STRSZ: 10, SYMENT: 11, FLAGS: 30 } as const;
const DF_BIND_NOW = 8;
/** What is written when it is loaded is on pages of its own, of any size that there is. */
const PAGE_BYTES = 0x10000;

const entryName = "napi_register_module_v1";
const names = ["", entryName, ...imports];

/** The module for a machine: the bytes of the shared object. */
export function callModule(machine: MachineName): Uint8Array {
  const { number, make, globalData, relative } = machines[machine];
  const text = new Layout(FILE_HEADER_BYTES + 4 * PROGRAM_HEADER_BYTES);
  const hash = text.place(4 * (2 + 1 + names.length));
  const symbols = text.place(SYMBOL_BYTES * names.length);
  const strings = text.place(names.join("\0").length + 1);
  const relocations = text.place(RELOCATION_BYTES * (imports.length + 1));
  const code = text.place(make({ code: 0, table: 0 }).bytes.length);
  const data = new Layout(text.end + PAGE_BYTES);
  const table = data.place(8 * (imports.length + 1));
  const dynamic = data.place(16 * 10);

  const image = new Image(data.end - PAGE_BYTES);
  const entries = make({ code, table });
  image.bytes.set(entries.bytes, code);
  image.header(number);
  const headers: Header[] = [
    [PT_LOAD, READ | EXECUTE, 0, 0, text.end],
    [PT_LOAD, READ | WRITE, table - PAGE_BYTES, table, data.end - table],
    [PT_DYNAMIC, READ | WRITE, dynamic - PAGE_BYTES, dynamic, data.end - dynamic],
    [PT_GNU_STACK, READ | WRITE, 0, 0, 0],
  ];
  for (const [i, header] of headers.entries()) image.programHeader(i, header);

  image.words(hash, [1, names.length, 1, 0, ...names.slice(1).map((_, i) => (i + 2) % names.length)]);
  image.symbols(symbols, strings, entries.register);
  // The first slot has an address in the module itself, the others are found by name.
  image.longs(relocations, [table, relative, entries.raw]);
  for (let i = 0; i < imports.length; i++) {
    image.symbolRelocation(relocations + RELOCATION_BYTES * (i + 1), table + 8 * (i + 1), i + 2, globalData);
  }
  image.longs(dynamic - PAGE_BYTES, [
    ...[
      DT.HASH,
      hash,
      DT.STRTAB,
      strings,
      DT.SYMTAB,
      symbols,
      DT.STRSZ,
      relocations - strings,
      DT.SYMENT,
      SYMBOL_BYTES,
    ],
    ...[DT.RELA, relocations, DT.RELASZ, RELOCATION_BYTES * (imports.length + 1), DT.RELAENT, RELOCATION_BYTES],
    ...[DT.FLAGS, DF_BIND_NOW, 0, 0],
  ]);
  return image.bytes;
}

/** Type, flags, offset, address, bytes. */
type Header = readonly [type: number, flags: number, offset: number, address: number, bytes: number];

/** Places one after the other, each at a multiple of eight. */
class Layout {
  constructor(public end: number) {}

  place(bytes: number): number {
    const start = this.end;
    this.end = Math.ceil((start + bytes) / 8) * 8;
    return start;
  }
}

class Image {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  words(at: number, values: readonly number[]): void {
    for (const [i, value] of values.entries()) this.view.setUint32(at + 4 * i, value, true);
  }

  longs(at: number, values: readonly number[]): void {
    for (const [i, value] of values.entries()) this.view.setBigUint64(at + 8 * i, BigInt(value), true);
  }

  header(machine: number): void {
    this.bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    this.view.setUint16(16, ET_DYN, true);
    this.view.setUint16(18, machine, true);
    this.view.setUint32(20, 1, true);
    this.view.setBigUint64(32, BigInt(FILE_HEADER_BYTES), true);
    this.view.setUint16(52, FILE_HEADER_BYTES, true);
    this.view.setUint16(54, PROGRAM_HEADER_BYTES, true);
    this.view.setUint16(56, 4, true);
  }

  programHeader(index: number, [type, flags, offset, address, bytes]: Header): void {
    const at = FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * index;
    this.words(at, [type, flags]);
    this.longs(at + 8, [offset, address, address, bytes, bytes, type === PT_LOAD ? PAGE_BYTES : 8]);
  }

  /** The names, and the symbols that have them: one of the module's, the others' of whom it is loaded by. */
  symbols(at: number, strings: number, register: number): void {
    let name = 0;
    for (const [i, text] of names.entries()) {
      this.bytes.set(new TextEncoder().encode(text), strings + name);
      const symbol = at + SYMBOL_BYTES * i;
      if (i > 0) this.view.setUint32(symbol, name, true);
      if (i > 0) this.view.setUint8(symbol + 4, i === 1 ? GLOBAL_FUNCTION : GLOBAL);
      if (i === 1) this.view.setUint16(symbol + 6, 1, true);
      if (i === 1) this.view.setBigUint64(symbol + 8, BigInt(register), true);
      name += text.length + 1;
    }
  }

  /** r_info has the symbol in its upper half. */
  symbolRelocation(at: number, slot: number, symbol: number, type: number): void {
    this.longs(at, [slot]);
    this.words(at + 8, [type, symbol, 0, 0]);
  }
}
