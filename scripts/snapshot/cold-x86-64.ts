/**
 * The engine's own start, for an executable that the kernel has loaded as a snapshot: its data are as they were in the engine's file,
 * and the dynamic linker is loaded, as the kernel does it (load_elf_binary in fs/binfmt_elf.c), and begins.
 */
import { PROGRAM_HEADER_BYTES, PT_LOAD } from "../entry/program-headers.ts";
import { ALWAYS, type Code, IF_EQUAL, UNLESS_EQUAL } from "../entry/x86-64-code.ts";
import type { Cargo } from "./cargo.ts";
import { forEachStretch, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, mmap, mmapFile } from "./mmap-x86-64.ts";

// asm/unistd_64.h
const READ = 0;
const WRITE = 1;
const OPEN = 2;
const CLOSE = 3;
const EXIT_GROUP = 231;

const O_CLOEXEC = 0x80000;
const PROT_READ_WRITE = 3;
const STANDARD_ERROR = 2;

// elf.h, with the offsets of the fields that are looked at.
const AT_PHDR = 3;
const AT_PHNUM = 5;
const AT_BASE = 7;
const AT_ENTRY = 9;
const HEAD_BYTES = 4096;
const PAGE_MASK = 0xfff;

const IF_SIGN = [0x0f, 0x88];
const UNLESS_ABOVE = [0x0f, 0x86];

/** r15 has the kernel's stack pointer, r14 the environment. */
export function startCold(code: Code, cargo: Cargo): void {
  const fatal: number[] = [];
  restoreData(code, fatal, cargo);
  openFile(code, fatal, cargo.interpreter);
  readHead(code, fatal);
  reserve(code, fatal);
  mapSegments(code, fatal);
  closeFile(code);
  tellLinker(code, cargo);
  code.emit(0x4c, 0x89, 0xfc); // mov rsp, r15
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x41, 0xff, 0xe4); // jmp r12
  for (const jump of fatal) code.land(jump);
  code.emit(0xbf);
  code.word(STANDARD_ERROR); // mov edi, 2
  code.emit(0xbe);
  code.word(cargo.message); // mov esi, message
  code.emit(0xba);
  code.word(cargo.messageBytes); // mov edx, bytes
  code.call(WRITE);
  code.emit(0xbf);
  code.word(1); // mov edi, 1
  code.call(EXIT_GROUP);
}

/** Its descriptor is in r12d then. */
function openFile(code: Code, fatal: number[], path: number): void {
  code.emit(0xbf);
  code.word(path); // mov edi, path
  code.emit(0xbe);
  code.word(O_CLOEXEC); // mov esi, O_RDONLY | O_CLOEXEC
  code.call(OPEN);
  code.emit(0x85, 0xc0); // test eax, eax
  fatal.push(code.jump(IF_SIGN));
  code.emit(0x41, 0x89, 0xc4); // mov r12d, eax
}

function closeFile(code: Code): void {
  code.emit(0x44, 0x89, 0xe7); // mov edi, r12d
  code.call(CLOSE);
}

/** What can be written of the engine's image, by a table of addresses, sizes, offsets in the file and flags of mmap. */
function restoreData(code: Code, fatal: number[], cargo: Cargo): void {
  openFile(code, fatal, cargo.executable);
  code.emit(0xbd);
  code.word(cargo.data); // mov ebp, table
  forEachStretch(code, 32, () => {
    code.emit(0xba);
    code.word(PROT_READ_WRITE); // mov edx, PROT_READ | PROT_WRITE
    code.emit(0x4c, 0x8b, 0x4d, 0x10); // mov r9, [rbp+16]
    code.emit(0x44, 0x8b, 0x55, 0x18); // mov r10d, [rbp+24]
    mmapFile(code);
    code.emit(0x48, 0x3b, 0x45, 0x00); // cmp rax, [rbp]
    fatal.push(code.jump(UNLESS_EQUAL));
  });
  closeFile(code);
}

/** The file's first bytes, on the stack; r13 points at its program headers, whose number is in ebx. */
function readHead(code: Code, fatal: number[]): void {
  code.emit(0x48, 0x81, 0xec);
  code.word(HEAD_BYTES); // sub rsp, HEAD_BYTES
  code.emit(0x44, 0x89, 0xe7); // mov edi, r12d
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0xba);
  code.word(HEAD_BYTES); // mov edx, HEAD_BYTES
  code.call(READ);
  code.emit(0x3d);
  code.word(HEAD_BYTES); // cmp eax, HEAD_BYTES
  fatal.push(code.jump(UNLESS_EQUAL));
  code.emit(0x4c, 0x8b, 0x6c, 0x24, 0x20); // mov r13, [rsp+e_phoff]
  code.emit(0x49, 0x01, 0xe5); // add r13, rsp
  code.emit(0x0f, 0xb7, 0x5c, 0x24, 0x38); // movzx ebx, word [rsp+e_phnum]
}

/** Room for all segments, anywhere; its address is in rbp then. */
function reserve(code: Code, fatal: number[]): void {
  code.emit(0x31, 0xed); // xor ebp, ebp
  code.emit(0x4c, 0x89, 0xe9); // mov rcx, r13
  code.emit(0x89, 0xda); // mov edx, ebx
  const next = code.bytes.length;
  code.emit(0x83, 0x39, PT_LOAD); // cmp dword [rcx], PT_LOAD
  const other = code.jump(UNLESS_EQUAL);
  code.emit(0x48, 0x8b, 0x41, 0x10); // mov rax, [rcx+p_vaddr]
  code.emit(0x48, 0x03, 0x41, 0x28); // add rax, [rcx+p_memsz]
  code.emit(0x48, 0x39, 0xe8); // cmp rax, rbp
  const lower = code.jump(UNLESS_ABOVE);
  code.emit(0x48, 0x89, 0xc5); // mov rbp, rax
  code.land(other);
  code.land(lower);
  code.emit(0x48, 0x83, 0xc1, PROGRAM_HEADER_BYTES); // add rcx, PROGRAM_HEADER_BYTES
  code.emit(0xff, 0xca); // dec edx
  code.jump(UNLESS_EQUAL, next);
  code.emit(0x31, 0xff); // xor edi, edi
  code.emit(0x48, 0x89, 0xee); // mov rsi, rbp
  code.emit(0x31, 0xd2); // xor edx, edx
  mmap(code, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  fatal.push(code.jump(IF_SIGN));
  code.emit(0x48, 0x89, 0xc5); // mov rbp, rax
}

function mapSegments(code: Code, fatal: number[]): void {
  const next = code.bytes.length;
  code.emit(0x41, 0x83, 0x7d, 0x00, PT_LOAD); // cmp dword [r13], PT_LOAD
  const other = code.jump(UNLESS_EQUAL);
  mapSegment(code, fatal);
  const done = mapRest(code, fatal);
  for (const jump of [other, ...done]) code.land(jump);
  code.emit(0x49, 0x83, 0xc5, PROGRAM_HEADER_BYTES); // add r13, PROGRAM_HEADER_BYTES
  code.emit(0xff, 0xcb); // dec ebx
  code.jump(UNLESS_EQUAL, next);
}

/** What of the segment at r13 is in the file. */
function mapSegment(code: Code, fatal: number[]): void {
  code.emit(0x49, 0x8b, 0x7d, 0x10); // mov rdi, [r13+p_vaddr]
  code.emit(0x89, 0xf8, 0x25);
  code.word(PAGE_MASK); // mov eax, edi; and eax, PAGE_MASK
  code.emit(0x49, 0x8b, 0x75, 0x20); // mov rsi, [r13+p_filesz]
  code.emit(0x48, 0x01, 0xc6); // add rsi, rax
  code.emit(0x48, 0x29, 0xc7); // sub rdi, rax
  code.emit(0x48, 0x01, 0xef); // add rdi, rbp
  code.emit(0x4d, 0x8b, 0x4d, 0x08); // mov r9, [r13+p_offset]
  code.emit(0x49, 0x29, 0xc1); // sub r9, rax
  code.emit(0x41, 0x8b, 0x45, 0x04); // mov eax, [r13+p_flags]
  code.emit(0x89, 0xc2, 0x83, 0xe2, 0x02); // mov edx, eax; and edx, PF_W: PROT_WRITE has the same value
  code.emit(0xa8, 0x04, 0x74, 0x03, 0x83, 0xca, 0x01); // test al, PF_R; je +3; or edx, PROT_READ
  code.emit(0xa8, 0x01, 0x74, 0x03, 0x83, 0xca, 0x04); // test al, PF_X; je +3; or edx, PROT_EXEC
  code.emit(0x41, 0xba);
  code.word(MAP_PRIVATE | MAP_FIXED); // mov r10d, flags
  mmapFile(code);
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  fatal.push(code.jump(IF_SIGN));
}

/**
 * What of the segment is not in the file: zeros to the end of its last page, and pages of them.
 *
 * @returns jumps to be landed behind it.
 */
function mapRest(code: Code, fatal: number[]): number[] {
  code.emit(0x49, 0x8b, 0x45, 0x28); // mov rax, [r13+p_memsz]
  code.emit(0x49, 0x3b, 0x45, 0x20); // cmp rax, [r13+p_filesz]
  const none = code.jump(IF_EQUAL);
  code.emit(0x49, 0x8b, 0x7d, 0x10); // mov rdi, [r13+p_vaddr]
  code.emit(0x49, 0x03, 0x7d, 0x20); // add rdi, [r13+p_filesz]
  code.emit(0x48, 0x01, 0xef); // add rdi, rbp
  code.emit(0x89, 0xf9, 0xf7, 0xd9, 0x81, 0xe1);
  code.word(PAGE_MASK); // mov ecx, edi; neg ecx; and ecx, PAGE_MASK
  code.emit(0x31, 0xc0, 0xf3, 0xaa); // xor eax, eax; rep stosb
  code.emit(0x49, 0x8b, 0x75, 0x10); // mov rsi, [r13+p_vaddr]
  code.emit(0x49, 0x03, 0x75, 0x28); // add rsi, [r13+p_memsz]
  code.emit(0x48, 0x01, 0xee); // add rsi, rbp
  code.emit(0x48, 0x29, 0xfe); // sub rsi, rdi
  const within = code.jump(UNLESS_ABOVE);
  code.emit(0xba);
  code.word(PROT_READ_WRITE); // mov edx, PROT_READ | PROT_WRITE
  mmap(code, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS);
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  fatal.push(code.jump(IF_SIGN));
  return [none, within];
}

/** Its own entry goes to r12. The auxiliary vector says what it would if the kernel had loaded the engine's file: getauxval(3). */
function tellLinker(code: Code, cargo: Cargo): void {
  code.emit(0x4c, 0x8b, 0x64, 0x24, 0x18); // mov r12, [rsp+e_entry]
  code.emit(0x49, 0x01, 0xec); // add r12, rbp
  code.emit(0x4c, 0x89, 0xf6); // mov rsi, r14
  const variable = code.bytes.length;
  code.emit(0x48, 0xad); // lodsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  code.jump(UNLESS_EQUAL, variable);
  const next = code.bytes.length;
  code.emit(0x48, 0x8b, 0x06); // mov rax, [rsi]
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const end = code.jump(IF_EQUAL);
  const given: [type: number, value: number][] = [
    [AT_PHDR, cargo.programHeaders],
    [AT_PHNUM, cargo.programHeaderCount],
    [AT_ENTRY, cargo.entry],
  ];
  for (const [type, value] of given) {
    code.emit(0x83, 0xf8, type); // cmp eax, type
    const other = code.jump(UNLESS_EQUAL);
    code.emit(0x48, 0xc7, 0x46, 0x08);
    code.word(value); // mov qword [rsi+8], value
    code.land(other);
  }
  code.emit(0x83, 0xf8, AT_BASE); // cmp eax, AT_BASE
  const other = code.jump(UNLESS_EQUAL);
  code.emit(0x48, 0x89, 0x6e, 0x08); // mov [rsi+8], rbp
  code.land(other);
  code.emit(0x48, 0x83, 0xc6, 0x10); // add rsi, 16
  code.jump(ALWAYS, next);
  code.land(end);
}
