/**
 * madvise(2) for a process that goes on from a snapshot.
 *
 * Allocators give memory back by MADV_DONTNEED, and count on zeros when they take it again: so it is with anonymous memory. What comes
 * from the snapshot would come from there anew, with what was in it. So the C library's function goes here, and new memory is mapped in
 * its place.
 */
import { Code, IF_EQUAL, UNLESS_EQUAL } from "../entry/x86-64-code.ts";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, mmap } from "./mmap-x86-64.ts";

const MADVISE = 28;
const MADV_DONTNEED = 4;
const PROT_READ_WRITE = 3;
const IF_SIGN = [0x0f, 0x88];

/** The function, for any address: as madvise(2), with errno. @param errnoLocation the C library's function. */
export function discardX8664(errnoLocation: number): Uint8Array {
  const code = new Code();
  code.emit(0x48, 0x85, 0xf6); // test rsi, rsi
  const nothing = code.jump(IF_EQUAL);
  code.emit(0x83, 0xfa, MADV_DONTNEED); // cmp edx, MADV_DONTNEED
  const other = code.jump(UNLESS_EQUAL);
  code.emit(0xba);
  code.word(PROT_READ_WRITE); // mov edx, PROT_READ | PROT_WRITE
  mmap(code, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE);
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const failed = [code.jump(IF_SIGN)];
  code.land(nothing);
  code.emit(0x31, 0xc0, 0xc3); // xor eax, eax; ret
  code.land(other);
  code.call(MADVISE);
  code.emit(0x85, 0xc0); // test eax, eax
  failed.push(code.jump(IF_SIGN));
  code.emit(0xc3); // ret
  for (const jump of failed) code.land(jump);
  code.emit(0xf7, 0xd8, 0x50); // neg eax; push rax
  code.emit(0x48, 0xb8);
  code.quad(BigInt(errnoLocation)); // mov rax, errnoLocation
  code.emit(0xff, 0xd0); // call rax
  code.emit(0x59, 0x89, 0x08); // pop rcx; mov [rax], ecx
  code.emit(0x83, 0xc8, 0xff, 0xc3); // or eax, -1; ret
  return new Uint8Array(code.bytes);
}

/** A jump there, which takes the place of a function's first instructions. */
export function jumpX8664(address: number): Uint8Array {
  const code = new Code();
  code.emit(0x48, 0xb8);
  code.quad(BigInt(address)); // mov rax, address
  code.emit(0xff, 0xe0); // jmp rax
  return new Uint8Array(code.bytes);
}
