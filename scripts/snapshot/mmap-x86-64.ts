import type { Code } from "../entry/x86-64-code.ts";

const MMAP = 9;

// asm-generic/mman-common.h
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_FIXED_NOREPLACE = 0x100000;

/** mmap(2) of no file: address, size and protection are in rdi, rsi and edx. */
export function mmap(code: Code, flags: number): void {
  code.emit(0x41, 0xba);
  code.word(flags); // mov r10d, flags
  code.emit(0x49, 0x83, 0xc8, 0xff); // or r8, -1
  code.emit(0x45, 0x31, 0xc9); // xor r9d, r9d
  code.call(MMAP);
}

/** mmap(2) of the file in r12d: address, size, protection, flags and offset are in rdi, rsi, edx, r10d and r9. */
export function mmapFile(code: Code): void {
  code.emit(0x45, 0x89, 0xe0); // mov r8d, r12d
  code.call(MMAP);
}
