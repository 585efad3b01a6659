/** Symbols of a shared object as it lies in memory. */
import { PROGRAM_HEADER_BYTES, PT_DYNAMIC, PT_LOAD } from "../entry/program-headers.ts";
import type { ProcessMemory } from "./memory.ts";

// elf.h
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_GNU_HASH = 0x6ffffef5;
const SYMBOL_BYTES = 24;

export class LoadedObject {
  private readonly tags = new Map<number, number>();
  /** What is added to the addresses in the file. */
  private readonly bias: number;

  /** @param base where the beginning of its file is mapped. */
  constructor(
    private readonly memory: ProcessMemory,
    base: number,
  ) {
    const headers = base + memory.readNumber(base + 32);
    const count = this.half(base + 56);
    let first: number | undefined;
    let dynamic = 0;
    for (let i = 0; i < count; i++) {
      const at = headers + PROGRAM_HEADER_BYTES * i;
      const type = this.word(at);
      if (type === PT_LOAD) first ??= memory.readNumber(at + 16);
      if (type === PT_DYNAMIC) dynamic = memory.readNumber(at + 16);
    }
    this.bias = base - (first ?? 0);
    for (let at = this.bias + dynamic; memory.readNumber(at) !== 0; at += 16) {
      this.tags.set(memory.readNumber(at), memory.readNumber(at + 8));
    }
  }

  /**
   * The address of a symbol, by the object's hash table.
   *
   * @throws Error when it has none of that name.
   * @see the GNU hash section: sourceware.org/gnu-gabi
   */
  address(name: string): number {
    const table = this.table(DT_GNU_HASH);
    const [buckets, firstSymbol, bloomWords] = [this.word(table), this.word(table + 4), this.word(table + 8)];
    const bucketTable = table + 16 + 8 * bloomWords;
    const hash = gnuHash(name);
    const first = this.word(bucketTable + 4 * (hash % buckets));
    for (let index = first; first >= firstSymbol; index++) {
      const chained = this.word(bucketTable + 4 * buckets + 4 * (index - firstSymbol));
      const symbol = this.table(DT_SYMTAB) + SYMBOL_BYTES * index;
      if ((chained | 1) >>> 0 === (hash | 1) >>> 0 && this.isNamed(symbol, name)) {
        return this.bias + this.memory.readNumber(symbol + 8);
      }
      if (chained & 1) break;
    }
    throw new Error(`a library has no symbol ${name}`);
  }

  /** In the vdso the addresses are those in the file; the dynamic linker has made them absolute in what it loads. */
  private table(tag: number): number {
    const address = this.tags.get(tag);
    if (address === undefined) throw new Error(`a library has no dynamic entry ${tag}`);
    return address < this.bias ? this.bias + address : address;
  }

  private isNamed(symbol: number, name: string): boolean {
    const bytes = this.memory.read(this.table(DT_STRTAB) + this.word(symbol), name.length + 1);
    return new TextDecoder().decode(bytes) === `${name}\0`;
  }

  private word(address: number): number {
    return new DataView(this.memory.read(address, 4).buffer).getUint32(0, true);
  }

  private half(address: number): number {
    return new DataView(this.memory.read(address, 2).buffer).getUint16(0, true);
  }
}

function gnuHash(name: string): number {
  let hash = 5381;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 33) + name.charCodeAt(i)) >>> 0;
  return hash;
}
