import { ARGUMENTS, type Entries, type ModulePlaces, SLOT } from "./call-layout.ts";
import { Code } from "./x86-64-code.ts";

const ARGC = 0x08;
const RESULT = 0x10;
const GIVEN = 0x18;
const VALUES = GIVEN + 8 * ARGUMENTS;
/** With two registers saved and the address to return to, a multiple of 16, as every call needs it. */
const FRAME = VALUES + 8 * ARGUMENTS + 16;

/**
 * The call module's functions on x86_64: System V ABI 3.2, all of whose first six arguments go in registers; the seventh is at
 * the frame's bottom.
 */
export function callX8664(places: ModulePlaces): Entries {
  const code = new Code();
  const raw = places.code;
  systemCall(code);
  const call = places.code + code.bytes.length;
  callByNumber(code, places);
  const register = places.code + code.bytes.length;
  registerModule(code, places, call);
  return { raw, register, bytes: new Uint8Array(code.bytes) };
}

/**
 * `long raw(long nr, a, b, c, d, e, f)`: as syscall(2), but with the errno as a negative result. All that a function must keep is on
 * the stack meanwhile, so that whoever goes on from a snapshot that was taken here needs the stack's address alone.
 */
function systemCall(code: Code): void {
  code.emit(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57); // push rbx, rbp, r12, r13, r14, r15
  code.emit(0x48, 0x89, 0xf8); // mov rax, rdi
  code.emit(0x48, 0x89, 0xf7); // mov rdi, rsi
  code.emit(0x48, 0x89, 0xd6); // mov rsi, rdx
  code.emit(0x48, 0x89, 0xca); // mov rdx, rcx
  code.emit(0x4d, 0x89, 0xc2); // mov r10, r8
  code.emit(0x4d, 0x89, 0xc8); // mov r8, r9
  code.emit(0x4c, 0x8b, 0x4c, 0x24, 0x38); // mov r9, [rsp+56]
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3); // pop r15, r14, r13, r12, rbp, rbx; ret
}

/** `napi_value call(napi_env, napi_callback_info)`: rbx has the first, r12 the table. */
function callByNumber(code: Code, places: ModulePlaces): void {
  code.emit(0x53, 0x41, 0x54); // push rbx; push r12
  code.emit(0x48, 0x81, 0xec);
  code.word(FRAME); // sub rsp, FRAME
  code.emit(0x48, 0x89, 0xfb); // mov rbx, rdi
  code.emit(0x4c, 0x8d, 0x25);
  code.relative(places.code, places.table); // lea r12, [rip+table]
  code.emit(0x48, 0xc7, 0x44, 0x24, ARGC);
  code.word(ARGUMENTS); // mov qword [rsp+argc], ARGUMENTS
  code.emit(0x48, 0x8d, 0x54, 0x24, ARGC); // lea rdx, [rsp+argc]
  code.emit(0x48, 0x8d, 0x4c, 0x24, GIVEN); // lea rcx, [rsp+given]
  code.emit(0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9); // xor r8d, r8d; xor r9d, r9d
  code.emit(0x41, 0xff, 0x54, 0x24, SLOT.getArguments); // call [r12+getArguments]
  for (let i = 0; i < ARGUMENTS; i++) {
    code.emit(0x48, 0x89, 0xdf); // mov rdi, rbx
    code.emit(0x48, 0x8b, 0x74, 0x24, GIVEN + 8 * i); // mov rsi, [rsp+given]
    code.emit(0x48, 0x8d, 0x94, 0x24);
    code.word(VALUES + 8 * i); // lea rdx, [rsp+value]
    code.emit(0x48, 0xc7, 0x02);
    code.word(0); // mov qword [rdx], 0: what is no number stays so
    code.emit(0x41, 0xff, 0x54, 0x24, SLOT.toInteger); // call [r12+toInteger]
  }
  load(code, [0x48, 0x84], VALUES); // mov rax, [rsp+value]
  code.emit(0x83, 0xe0, 0x01); // and eax, 1
  load(code, [0x4c, 0x94], VALUES + 56); // mov r10, [rsp+value]
  code.emit(0x4c, 0x89, 0x14, 0x24); // mov [rsp], r10
  // rdi, rsi, rdx, rcx, r8, r9
  const registers = [
    [0x48, 0xbc],
    [0x48, 0xb4],
    [0x48, 0x94],
    [0x48, 0x8c],
    [0x4c, 0x84],
    [0x4c, 0x8c],
  ] as const;
  for (const [i, register] of registers.entries()) load(code, register, VALUES + 8 + 8 * i);
  code.emit(0x41, 0xff, 0x14, 0xc4); // call [r12+rax*8]
  code.emit(0x48, 0x89, 0xdf, 0x48, 0x89, 0xc6); // mov rdi, rbx; mov rsi, rax
  code.emit(0x48, 0x8d, 0x54, 0x24, RESULT); // lea rdx, [rsp+result]
  code.emit(0x41, 0xff, 0x54, 0x24, SLOT.fromInteger); // call [r12+fromInteger]
  code.emit(0x48, 0x8b, 0x44, 0x24, RESULT); // mov rax, [rsp+result]
  code.emit(0x48, 0x81, 0xc4);
  code.word(FRAME); // add rsp, FRAME
  code.emit(0x41, 0x5c, 0x5b, 0xc3); // pop r12; pop rbx; ret
}

/** mov register, [rsp+offset] */
function load(code: Code, [prefix, register]: readonly [number, number], offset: number): void {
  code.emit(prefix, 0x8b, register, 0x24);
  code.word(offset);
}

/** `napi_value napi_register_module_v1(napi_env, napi_value exports)`: what is exported is the one function. */
function registerModule(code: Code, places: ModulePlaces, call: number): void {
  code.emit(0x48, 0x83, 0xec, 0x18); // sub rsp, 24
  code.emit(0x31, 0xf6, 0x31, 0xd2); // xor esi, esi; xor edx, edx
  code.emit(0x48, 0x8d, 0x0d);
  code.relative(places.code, call); // lea rcx, [rip+call]
  code.emit(0x45, 0x31, 0xc0); // xor r8d, r8d
  code.emit(0x4c, 0x8d, 0x4c, 0x24, 0x08); // lea r9, [rsp+8]
  code.emit(0xff, 0x15);
  code.relative(places.code, places.table + SLOT.createFunction); // call [rip+createFunction]
  code.emit(0x48, 0x8b, 0x44, 0x24, 0x08); // mov rax, [rsp+8]
  code.emit(0x48, 0x83, 0xc4, 0x18, 0xc3); // add rsp, 24; ret
}
