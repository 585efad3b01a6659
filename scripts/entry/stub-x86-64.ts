import {
  CASE_BITS,
  type Cargo,
  DIRECTORY_GONE_OFFSET,
  dropped,
  ENVIRONMENT_LIMIT,
  ENVIRONMENT_OFFSET,
  F_DUPFD_CLOEXEC,
  LIMITS_KNOWN_OFFSET,
  LIMITS_OFFSET,
  MFD_CLOEXEC,
  MFD_NOEXEC_SEAL,
  MODULE_OFFSET,
  PATH_BYTES,
  RECORD_ADDRESS,
  RLIMIT_NOFILE,
  START_OFFSET,
} from "./layout.ts";
import {
  ALWAYS,
  Code,
  IF_EQUAL,
  IF_LESS,
  IF_NEGATIVE,
  UNLESS_EQUAL,
  UNLESS_LESS,
  UNLESS_NEGATIVE,
} from "./x86-64-code.ts";

// asm/unistd_64.h
const WRITE = 1;
const CLOSE = 3;
const FCNTL = 72;
const GETCWD = 79;
const CHDIR = 80;
const PRLIMIT64 = 302;
const MEMFD_CREATE = 319;

/**
 * What runs before the engine on x86_64.
 *
 * At entry rsp points at argc, and rdx has what exit must call (System V ABI, 3.4.1): both are handed on as they were, and rdx
 * waits in r15. No other register has a meaning there, and a system call changes rax, rcx and r11 only. entry.test.ts
 * disassembles it.
 *
 * @param engine the address of the engine's own entry.
 * @param environ where the address of the C library's `environ` is.
 */
export function stubX8664(engine: number, environ: number, cargo: Cargo): Uint8Array {
  const code = new Code();
  code.emit(0x49, 0x89, 0xd7); // mov r15, rdx
  code.emit(0x48, 0x89, 0x24, 0x25);
  code.word(RECORD_ADDRESS + START_OFFSET); // mov [record+start], rsp
  dropVariables(code);
  noteLimits(code);
  leaveDeletedDirectory(code, cargo);
  handOverModule(code, cargo, environ);
  code.emit(0x4c, 0x89, 0xfa); // mov rdx, r15
  code.emit(0xb8);
  code.word(engine); // mov eax, engine
  code.emit(0xff, 0xe0); // jmp rax
  return new Uint8Array(code.bytes);
}

/**
 * rsi reads the environment, rdi writes what stays, and then zeros up to the end: the auxiliary vector keeps its place, which r14
 * remembers.
 */
function dropVariables(code: Code): void {
  startOfEnvironment(code);
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
  code.emit(0x49, 0x89, 0xf6); // mov r14, rsi
  const clear = code.bytes.length;
  code.emit(0x48, 0xab); // stosq
  code.emit(0x48, 0x39, 0xf7); // cmp rdi, rsi
  code.jump(IF_LESS, clear);
}

function startOfEnvironment(code: Code): void {
  code.emit(0x48, 0x8b, 0x04, 0x24); // mov rax, [rsp]
  code.emit(0x48, 0x8d, 0x74, 0xc4, 0x10); // lea rsi, [rsp+rax*8+16]
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
function leaveDeletedDirectory(code: Code, cargo: Cargo): void {
  code.emit(0x48, 0x8d, 0xbc, 0x24);
  code.word(-PATH_BYTES); // lea rdi, [rsp-PATH_BYTES]
  code.emit(0xc6, 0x07, 0x00); // mov byte [rdi], 0
  code.emit(0xbe);
  code.word(PATH_BYTES); // mov esi, PATH_BYTES
  code.call(GETCWD);
  code.emit(0x80, 0x3f, 0x2f); // cmp byte [rdi], "/"
  const there = code.jump(IF_EQUAL);
  code.emit(0xbf);
  code.word(cargo.root); // mov edi, "/"
  code.call(CHDIR);
  code.note(DIRECTORY_GONE_OFFSET);
  code.land(there);
}

/** The call module as a file in memory, noted down; and, when that could be, the option that lets the engine do without its compiler. */
function handOverModule(code: Code, cargo: Cargo, environ: number): void {
  code.emit(0xbf);
  code.word(cargo.moduleName); // mov edi, name
  code.emit(0xbe);
  code.word(MFD_CLOEXEC | MFD_NOEXEC_SEAL); // mov esi, flags
  code.call(MEMFD_CREATE);
  code.emit(0x85, 0xc0); // test eax, eax
  const made = code.jump(UNLESS_NEGATIVE);
  code.emit(0xbe);
  code.word(MFD_CLOEXEC); // mov esi, flags: the other one is of Linux 6.3
  code.call(MEMFD_CREATE);
  code.emit(0x85, 0xc0); // test eax, eax
  const none = code.jump(IF_NEGATIVE);
  code.land(made);
  code.emit(0x41, 0x89, 0xc5); // mov r13d, eax
  aboveStandardStreams(code);
  code.emit(0x44, 0x89, 0xef); // mov edi, r13d
  code.emit(0xbe);
  code.word(cargo.module); // mov esi, module
  code.emit(0xba);
  code.word(cargo.moduleBytes); // mov edx, bytes
  code.call(WRITE); // Fails, too, when there was no higher descriptor.
  code.emit(0x3d);
  code.word(cargo.moduleBytes); // cmp eax, bytes
  const short = code.jump(UNLESS_EQUAL);
  code.emit(0x44, 0x89, 0x2c, 0x25);
  code.word(RECORD_ADDRESS + MODULE_OFFSET); // mov [record+module], r13d
  addOption(code, cargo, environ);
  code.land(none);
  code.land(short);
}

/** A standard stream that the caller closed stays so: the engine opens /dev/null there. */
function aboveStandardStreams(code: Code): void {
  code.emit(0x83, 0xf8, 0x03); // cmp eax, 3
  const above = code.jump(UNLESS_LESS);
  code.emit(0x89, 0xc7); // mov edi, eax
  code.emit(0xbe);
  code.word(F_DUPFD_CLOEXEC); // mov esi, F_DUPFD_CLOEXEC
  code.emit(0xba);
  code.word(3); // mov edx, 3
  code.call(FCNTL);
  code.emit(0x41, 0x89, 0xc5); // mov r13d, eax
  code.call(CLOSE);
  code.land(above);
}

/** Copies the environment, since there is no room for one variable more where it is, and the auxiliary vector behind it. */
function addOption(code: Code, cargo: Cargo, environ: number): void {
  startOfEnvironment(code);
  code.emit(0xbf);
  code.word(RECORD_ADDRESS + ENVIRONMENT_OFFSET); // mov edi, environment
  const next = code.bytes.length;
  code.emit(0x48, 0xad); // lodsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const end = code.jump(IF_EQUAL);
  code.emit(0x81, 0xff);
  code.word(ENVIRONMENT_LIMIT); // cmp edi, limit
  const tooMany = code.jump(UNLESS_LESS);
  code.emit(0x48, 0xab); // stosq
  code.jump(ALWAYS, next);
  code.land(end);
  code.emit(0xb8);
  code.word(cargo.withoutJit); // mov eax, option
  code.emit(0x48, 0xab); // stosq
  code.emit(0x31, 0xc0); // xor eax, eax
  code.emit(0x48, 0xab); // stosq
  code.emit(0x4c, 0x89, 0xf6); // mov rsi, r14
  const auxiliary = code.bytes.length;
  code.emit(0x48, 0x8b, 0x06); // mov rax, [rsi]
  code.emit(0x48, 0xa5); // movsq
  code.emit(0x48, 0xa5); // movsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  code.jump(UNLESS_EQUAL, auxiliary);
  code.emit(0x48, 0x8b, 0x04, 0x25);
  code.word(environ); // mov rax, [environ]
  code.emit(0x48, 0xc7, 0x00);
  code.word(RECORD_ADDRESS + ENVIRONMENT_OFFSET); // mov qword [rax], environment
  code.land(tooMany);
}
