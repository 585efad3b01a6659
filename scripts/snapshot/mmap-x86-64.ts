/** Memory, for the instructions of a snapshot: stretches of it in tables, and mmap(2). */
import { ALWAYS, type Code, IF_EQUAL } from "../entry/x86-64-code.ts";

const MMAP = 9;

// asm-generic/mman-common.h
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_FIXED_NOREPLACE = 0x100000;

/**
 * Goes through a table that ends with a 0 (cargo.ts), at rbp.
 *
 * @param bytes of an entry, at most 127. It begins with an address and a size, which are in rdi and rsi for `body`.
 */
export function forEachStretch(code: Code, bytes: number, body: () => void): void {
  const next = code.bytes.length;
  code.emit(0x48, 0x8b, 0x7d, 0x00); // mov rdi, [rbp]
  code.emit(0x48, 0x85, 0xff); // test rdi, rdi
  const end = code.jump(IF_EQUAL);
  code.emit(0x48, 0x8b, 0x75, 0x08); // mov rsi, [rbp+8]
  body();
  code.emit(0x48, 0x83, 0xc5, bytes); // add rbp, bytes
  code.jump(ALWAYS, next);
  code.land(end);
}

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
