/**
 * A stand-in for the engine: an executable that writes the record to standard output, and ends with the number of its variables,
 * which it finds as the C library would: through `environ`, or, where nobody set that, on the stack.
 */
import {
  add,
  addShifted,
  branch,
  branchIfZero,
  loadLong,
  loadLongNext,
  move,
  movkHigh,
  movz,
  SP,
  supervisorCall,
} from "../../src/program/aarch64-instructions.ts";
import { withStub } from "./install-stub.ts";
import { RECORD_ADDRESS, RECORD_BYTES } from "./layout.ts";

const IMAGE_ADDRESS = 0x200000;
const CODE_OFFSET = 0x200;
/** `environ`, and where its address is. */
const ENVIRON = IMAGE_ADDRESS + 0x800;
export const ENVIRON_SLOT = ENVIRON + 8;
/** elf.h: PHDR, LOAD, GNU_STACK, NOTE, in the order in which linkers put them. */
const types = [6, 1, 0x6474e551, 4];

const machines = {
  x86_64: { number: 62, code: codeX8664 },
  aarch64: { number: 183, code: codeAarch64 },
} as const;

/** The executable as its linker would make it. */
export function engine(machine: keyof typeof machines): Uint8Array {
  const bytes = new Uint8Array(0x10000);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machines[machine].number, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(IMAGE_ADDRESS + CODE_OFFSET), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, types.length, true);
  for (const [i, type] of types.entries()) {
    const at = 64 + 56 * i;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, type === 1 ? 7 : 6, true);
    if (type !== 1) continue;
    const fields = [0, IMAGE_ADDRESS, IMAGE_ADDRESS, bytes.length, bytes.length, bytes.length];
    for (const [k, field] of fields.entries()) view.setBigUint64(at + 8 + 8 * k, BigInt(field), true);
  }
  view.setBigUint64(ENVIRON_SLOT - IMAGE_ADDRESS, BigInt(ENVIRON), true);
  bytes.set(machines[machine].code(), CODE_OFFSET);
  return bytes;
}

/** The executable with the stub. */
export function startedByStub(machine: keyof typeof machines): Uint8Array {
  const image = engine(machine);
  const stub = withStub(image, image.length, ENVIRON_SLOT);
  return Buffer.concat([image, stub]);
}

function codeX8664(): Uint8Array {
  const record = new Uint8Array(new Uint32Array([RECORD_ADDRESS]).buffer);
  const environ = new Uint8Array(new Uint32Array([ENVIRON]).buffer);
  return new Uint8Array([
    ...[0x48, 0x8b, 0x04, 0x24], // mov rax, [rsp]
    ...[0x48, 0x8d, 0x5c, 0xc4, 0x10], // lea rbx, [rsp+rax*8+16]
    ...[0x48, 0x8b, 0x0c, 0x25, ...environ], // mov rcx, [environ]
    ...[0x48, 0x85, 0xc9], // test rcx, rcx
    ...[0x48, 0x0f, 0x45, 0xd9], // cmovne rbx, rcx
    ...[0x31, 0xed], // xor ebp, ebp
    ...[0x48, 0x83, 0x3b, 0x00], // next: cmp qword [rbx], 0
    ...[0x74, 0x08], // je end
    ...[0x48, 0x83, 0xc3, 0x08], // add rbx, 8
    ...[0xff, 0xc5], // inc ebp
    ...[0xeb, 0xf2], // jmp next
    ...[0xbf, 1, 0, 0, 0], // end: mov edi, 1
    ...[0xbe, ...record], // mov esi, record
    ...[0xba, RECORD_BYTES, 0, 0, 0], // mov edx, RECORD_BYTES
    ...[0xb8, 1, 0, 0, 0], // mov eax, write
    ...[0x0f, 0x05], // syscall
    ...[0x89, 0xef], // mov edi, ebp
    ...[0xb8, 60, 0, 0, 0], // mov eax, exit
    ...[0x0f, 0x05], // syscall
  ]);
}

function codeAarch64(): Uint8Array {
  const start = [loadLong(9, SP), addShifted(10, SP, 9, 3), add(10, 10, 16)];
  const environ = [movz(9, ENVIRON & 0xffff), movkHigh(9, ENVIRON >>> 16), loadLong(9, 9)];
  const chosen = [branchIfZero(9, 2), move(10, 9), movz(21, 0)];
  const count = [loadLongNext(12, 10), branchIfZero(12, 3), add(21, 21, 1), branch(-3)];
  const record = [movz(1, RECORD_ADDRESS & 0xffff), movkHigh(1, RECORD_ADDRESS >>> 16)];
  const write = [movz(0, 1), ...record, movz(2, RECORD_BYTES), movz(8, 64), supervisorCall()];
  const exit = [move(0, 21), movz(8, 93), supervisorCall()];
  return new Uint8Array(new Int32Array([...start, ...environ, ...chosen, ...count, ...write, ...exit]).buffer);
}
