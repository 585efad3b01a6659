import type { Arch } from "../../native-bindings/syscall-numbers.ts";
import type { ProgramBuilder } from "./builder.ts";
import { CODE_BASE, CONSTANT_BASE, DATA_BASE, OPERATIONS_OFFSET, WALKER_OFFSET } from "./layout.ts";
import { walkerX8664 } from "./walker-x86-64.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;

function walker(arch: Arch): Uint8Array {
  if (arch === "x86_64") return walkerX8664();
  return (require("./walker-aarch64.ts") as typeof import("./walker-aarch64.ts")).walkerAarch64();
}

/**
 * The static ELF executable that a program becomes: header, walker, operations; constants; data. No relocations, no
 * interpreter, no stack use. Source: elf(5).
 *
 * Segments start at page boundaries of the file and of memory alike: 4 KiB on x86_64, 64 KiB on aarch64, whose kernels may
 * have pages of that size.
 */
export function buildImage(program: ProgramBuilder): Uint8Array {
  const operations = program.operations();
  const constants = program.constantBytes();
  const data = program.dataBytes();
  const page = program.arch === "aarch64" ? 65536 : 4096;
  const codeSize = OPERATIONS_OFFSET + operations.byteLength;
  const constantsOffset = Math.ceil(codeSize / page) * page;
  const dataOffset = constantsOffset + Math.ceil(constants.length / page) * page;

  const image = new Uint8Array(dataOffset + data.length);
  const view = new DataView(image.buffer);
  writeElfHeader(view, program.arch);
  writeSegment(view, 0, PT_LOAD, PF_R | PF_X, 0, CODE_BASE, codeSize, page);
  writeSegment(view, 1, PT_LOAD, PF_R, constantsOffset, CONSTANT_BASE, constants.length, page);
  writeSegment(view, 2, PT_LOAD, PF_R | PF_W, dataOffset, DATA_BASE, data.length, page);
  writeSegment(view, 3, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 16);
  image.set(walker(program.arch), WALKER_OFFSET);
  image.set(new Uint8Array(operations.buffer, operations.byteOffset, operations.byteLength), OPERATIONS_OFFSET);
  image.set(constants, constantsOffset);
  image.set(data, dataOffset);
  return image;
}

function writeElfHeader(view: DataView, arch: Arch): void {
  view.setUint32(0, 0x7f454c46); // magic
  view.setUint32(4, 0x02010100); // 64-bit, little endian, version 1, System V
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, arch === "aarch64" ? EM_AARCH64 : EM_X86_64, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, CODE_BASE + WALKER_OFFSET, true); // entry
  view.setUint32(32, 64, true); // program headers follow this one
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 4, true);
}

function writeSegment(
  view: DataView,
  index: number,
  type: number,
  flags: number,
  offset: number,
  address: number,
  size: number,
  align: number,
): void {
  const at = 64 + index * 56;
  view.setUint32(at, type, true);
  view.setUint32(at + 4, flags, true);
  view.setUint32(at + 8, offset, true);
  view.setUint32(at + 16, address, true);
  view.setUint32(at + 24, address, true);
  view.setUint32(at + 32, size, true);
  view.setUint32(at + 40, size, true);
  view.setUint32(at + 48, align, true);
}
