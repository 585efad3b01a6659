import {
  CASE_BITS,
  DIRECTORY_GONE_OFFSET,
  dropped,
  LIMITS_KNOWN_OFFSET,
  LIMITS_OFFSET,
  PATH_BYTES,
  RECORD_ADDRESS,
  RLIMIT_NOFILE,
  STUB_ADDRESS,
} from "./layout.ts";

// asm/unistd_64.h
const GETCWD = 79;
const CHDIR = 80;
const PRLIMIT64 = 302;

// Jumps, all with a distance of 32 bits.
const ALWAYS = [0xe9];
const IF_LESS = [0x0f, 0x82];
const IF_EQUAL = [0x0f, 0x84];
const UNLESS_EQUAL = [0x0f, 0x85];

/** Machine code that grows. */
class Code {
  readonly bytes: number[] = [];

  emit(...bytes: number[]): void {
    for (const byte of bytes) this.bytes.push(byte);
  }

  word(value: number): void {
    this.emit(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
  }

  quad(value: bigint): void {
    this.word(Number(value & 0xffffffffn));
    this.word(Number(value >> 32n));
  }

  /** @returns where the jump ends, for {@link land}. */
  jump(opcode: readonly number[], target = 0): number {
    this.emit(...opcode);
    this.word(target - (this.bytes.length + 4));
    return this.bytes.length;
  }

  /** Makes the jump that ends at `jump` lead to what comes next. */
  land(jump: number): void {
    const distance = this.bytes.length - jump;
    for (let i = 0; i < 4; i++) this.bytes[jump - 4 + i] = (distance >> (8 * i)) & 255;
  }

  call(nr: number): void {
    this.emit(0xb8);
    this.word(nr); // mov eax, nr
    this.emit(0x0f, 0x05); // syscall
  }

  /** Notes down a one. */
  note(offset: number): void {
    this.emit(0xc7, 0x04, 0x25);
    this.word(RECORD_ADDRESS + offset);
    this.word(1); // mov dword [record+offset], 1
  }
}

/**
 * What runs before the engine on x86_64, at {@link STUB_ADDRESS}.
 *
 * At entry rsp points at argc, and rdx has what exit must call (System V ABI, 3.4.1): both are handed on as they were, and rdx
 * waits in r15. No other register has a meaning there. Source of the encodings: Intel SDM volume 2; entry.test.ts disassembles
 * them.
 *
 * @param engine the address of the engine's own entry.
 */
export function stubX8664(engine: number): Uint8Array {
  const code = new Code();
  code.emit(0xeb, 0x02); // jmp over
  code.emit(0x2f, 0x00); // "/", at STUB_ADDRESS + 2
  code.emit(0x49, 0x89, 0xd7); // mov r15, rdx
  dropVariables(code);
  noteLimits(code);
  leaveDeletedDirectory(code);
  code.emit(0x4c, 0x89, 0xfa); // mov rdx, r15
  code.emit(0xb8);
  code.word(engine); // mov eax, engine
  code.emit(0xff, 0xe0); // jmp rax
  return new Uint8Array(code.bytes);
}

/** rsi reads the environment, rdi writes what stays, and then zeros up to the end: the auxiliary vector keeps its place. */
function dropVariables(code: Code): void {
  code.emit(0x48, 0x8b, 0x04, 0x24); // mov rax, [rsp]
  code.emit(0x48, 0x8d, 0x74, 0xc4, 0x10); // lea rsi, [rsp+rax*8+16]
  code.emit(0x48, 0x89, 0xf7); // mov rdi, rsi
  code.emit(0x49, 0xb8);
  code.quad(CASE_BITS); // mov r8, case bits
  const next = code.bytes.length;
  code.emit(0x48, 0xad); // lodsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const end = code.jump(IF_EQUAL);
  code.emit(0x48, 0x8b, 0x08); // mov rcx, [rax]: the kernel has eight more bytes after the last variable
  code.emit(0x4c, 0x09, 0xc1); // or rcx, r8
  for (const { shift, expected } of dropped) {
    code.emit(0x49, 0x89, 0xc9); // mov r9, rcx
    code.emit(0x49, 0xc1, 0xe1, shift); // shl r9, shift
    code.emit(0x49, 0xba);
    code.quad(expected); // mov r10, expected
    code.emit(0x4d, 0x39, 0xd1); // cmp r9, r10
    code.jump(IF_EQUAL, next);
  }
  code.emit(0x48, 0xab); // stosq
  code.jump(ALWAYS, next);
  code.land(end);
  const clear = code.bytes.length;
  code.emit(0x48, 0xab); // stosq
  code.emit(0x48, 0x39, 0xf7); // cmp rdi, rsi
  code.jump(IF_LESS, clear);
}

function noteLimits(code: Code): void {
  code.emit(0x31, 0xff); // xor edi, edi
  code.emit(0xbe);
  code.word(RLIMIT_NOFILE); // mov esi, RLIMIT_NOFILE
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x41, 0xba);
  code.word(RECORD_ADDRESS + LIMITS_OFFSET); // mov r10d, limits
  code.call(PRLIMIT64);
  code.emit(0x85, 0xc0); // test eax, eax
  const unknown = code.jump(UNLESS_EQUAL);
  code.note(LIMITS_KNOWN_OFFSET);
  code.land(unknown);
}

/**
 * The path goes below the stack, where nothing is yet. It is there when it begins with a slash: a call that fails writes nothing,
 * and what cannot be reached begins with "(unreachable)".
 */
function leaveDeletedDirectory(code: Code): void {
  code.emit(0x48, 0x8d, 0xbc, 0x24);
  code.word(-PATH_BYTES); // lea rdi, [rsp-PATH_BYTES]
  code.emit(0xc6, 0x07, 0x00); // mov byte [rdi], 0
  code.emit(0xbe);
  code.word(PATH_BYTES); // mov esi, PATH_BYTES
  code.call(GETCWD);
  code.emit(0x80, 0x3f, 0x2f); // cmp byte [rdi], "/"
  const there = code.jump(IF_EQUAL);
  code.emit(0xbf);
  code.word(STUB_ADDRESS + 2); // mov edi, "/"
  code.call(CHDIR);
  code.note(DIRECTORY_GONE_OFFSET);
  code.land(there);
}
