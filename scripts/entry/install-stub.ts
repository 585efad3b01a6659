import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { callModule, type MachineName } from "./call-module.ts";
import { environSlot } from "./environ-slot.ts";
import { pack, RECORD_ADDRESS, SEGMENT_BYTES, STUB_ADDRESS } from "./layout.ts";
import {
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER_BYTES,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
  programHeader,
  programHeaders,
} from "./program-headers.ts";
import { stubAarch64 } from "./stub-aarch64.ts";
import { stubX8664 } from "./stub-x86-64.ts";

// elf.h
const ET_EXEC = 2;
const machines: Readonly<Record<number, { name: MachineName; stub: typeof stubX8664 }>> = {
  62: { name: "x86_64", stub: stubX8664 },
  183: { name: "aarch64", stub: stubAarch64 },
};
const FILE_HEADER_BYTES = 64;
/** The largest page of any kernel: offset and address of a segment agree below it. */
const PAGE_BYTES = 0x10000;

/**
 * Makes an executable of the engine's start with the stub. It gets two segments, the stub's at the end of the file and the record's
 * that is not in the file, in the place of PT_NOTE and PT_PHDR: there is no room for more headers, the build's id is still found by its
 * section, and the dynamic linker needs PT_PHDR only for code that may be anywhere.
 *
 * @throws Error when the file is not as the engine's compiler makes it.
 */
export function installStub(path: string): void {
  const fd = openSync(path, "r+");
  try {
    const bytes = new Uint8Array(4096);
    readSync(fd, bytes, 0, bytes.length, 0);
    const offset = Math.ceil(fstatSync(fd).size / PAGE_BYTES) * PAGE_BYTES;
    const stub = withStub(bytes, offset, environSlot(fd, bytes));
    writeSync(fd, stub, 0, stub.length, offset);
    writeSync(fd, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(fd);
  }
}

/**
 * @param head the beginning of the executable, which is changed.
 * @param offset where in the file the stub will be.
 * @param environ where, when it runs, the address of the C library's `environ` is.
 * @returns the stub, behind what it has with it.
 */
export function withStub(head: Uint8Array, offset: number, environ: number): Uint8Array {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0) !== 0x7f454c46 || view.getUint16(16, true) !== ET_EXEC) {
    throw new Error("the engine's executable is not one with fixed addresses: the entry stub is made for these");
  }
  const engine = Number(view.getBigUint64(24, true));
  const { cargo, code } = stubFor(view.getUint16(18, true), engine, environ);
  const stub = new Uint8Array(cargo.length + code.length);
  stub.set(cargo);
  stub.set(code, cargo.length);
  const start = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  const kept = programHeaders(head).filter(({ type }) => type !== PT_NOTE && type !== PT_PHDR);
  if (start !== FILE_HEADER_BYTES || kept.length !== count - 2) {
    throw new Error("the engine's executable has other program headers than the entry stub is made for");
  }
  if (kept.some(({ type, address, memoryBytes }) => type === PT_LOAD && address + memoryBytes > STUB_ADDRESS)) {
    throw new Error("the engine's image reaches the addresses of the entry stub");
  }
  // Loaded segments are in the order of their addresses.
  const last = kept.findLastIndex(({ type }) => type === PT_LOAD);
  const headers = kept.map(({ bytes }) => bytes);
  headers.splice(
    last + 1,
    0,
    programHeader(PT_LOAD, PF_R | PF_X, {
      offset,
      address: STUB_ADDRESS,
      fileBytes: stub.length,
      alignment: PAGE_BYTES,
    }),
    programHeader(PT_LOAD, PF_R | PF_W, {
      offset,
      address: RECORD_ADDRESS,
      fileBytes: 0,
      memoryBytes: SEGMENT_BYTES,
      alignment: PAGE_BYTES,
    }),
  );
  for (let i = 0; i < count; i++) head.set(headers[i]!, start + i * PROGRAM_HEADER_BYTES);
  view.setBigUint64(24, BigInt(STUB_ADDRESS + cargo.length), true);
  return stub;
}

function stubFor(number: number, engine: number, environ: number): { cargo: Uint8Array; code: Uint8Array } {
  const machine = machines[number];
  if (machine === undefined) throw new Error(`there is no entry stub for machine ${number}`);
  const { cargo, bytes } = pack(STUB_ADDRESS, callModule(machine.name));
  return { cargo: bytes, code: machine.stub(engine, environ, cargo) };
}
