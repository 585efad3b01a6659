import { readSync } from "node:fs";
import { type ProgramHeader, PT_DYNAMIC, PT_LOAD, programHeaders } from "./program-headers.ts";

// elf.h
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_RELA = 7;
const DT_RELASZ = 8;
const RELOCATION_BYTES = 24;
const SYMBOL_BYTES = 24;
/** R_X86_64_GLOB_DAT, R_AARCH64_GLOB_DAT: the dynamic linker puts a symbol's address there. */
const globalData = [6, 1025];

/**
 * Where, in the running executable, the address of the C library's `environ` is.
 *
 * @param head the executable's first bytes, with its program headers.
 * @throws Error when it does not refer to it as the engine's compiler makes it.
 */
export function environSlot(fd: number, head: Uint8Array): number {
  const file = new Executable(fd, head);
  const relocations = file.read(file.dynamic(DT_RELA), file.dynamic(DT_RELASZ));
  const [symbols, strings] = [file.dynamic(DT_SYMTAB), file.dynamic(DT_STRTAB)];
  for (let at = 0; at < relocations.byteLength; at += RELOCATION_BYTES) {
    if (!globalData.includes(relocations.getUint32(at + 8, true))) continue;
    const symbol = file.read(symbols + SYMBOL_BYTES * relocations.getUint32(at + 12, true), SYMBOL_BYTES);
    if (file.text(strings + symbol.getUint32(0, true)) === "environ") {
      return Number(relocations.getBigUint64(at, true));
    }
  }
  throw new Error("the engine's executable does not refer to environ: the entry stub is made for one that does");
}

/** An executable's parts by the addresses that they will have. */
class Executable {
  private readonly headers: readonly ProgramHeader[];
  private readonly tags = new Map<number, number>();

  constructor(
    private readonly fd: number,
    head: Uint8Array,
  ) {
    this.headers = programHeaders(head);
    const dynamic = this.headers.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) throw new Error("the engine's executable is not linked dynamically");
    const table = this.read(dynamic.address, dynamic.fileBytes);
    for (let at = 0; at < table.byteLength; at += 16) {
      this.tags.set(Number(table.getBigUint64(at, true)), Number(table.getBigUint64(at + 8, true)));
    }
  }

  dynamic(tag: number): number {
    const value = this.tags.get(tag);
    if (value === undefined) throw new Error(`the engine's executable has no dynamic entry ${tag}`);
    return value;
  }

  read(address: number, bytes: number): DataView {
    const header = this.headers.find(
      (each) => each.type === PT_LOAD && address >= each.address && address < each.address + each.fileBytes,
    );
    if (header === undefined) throw new Error(`the engine's executable has nothing at ${address}`);
    const buffer = new Uint8Array(bytes);
    readSync(this.fd, buffer, 0, bytes, address - header.address + header.offset);
    return new DataView(buffer.buffer);
  }

  text(address: number): string {
    const bytes = new Uint8Array(this.read(address, 16).buffer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }
}
