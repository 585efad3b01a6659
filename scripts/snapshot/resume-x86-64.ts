/** The first instructions of an executable with a snapshot: they go on from it, or, where that cannot be, start the engine. */
import { leftmost, RECORD_ADDRESS, START_OFFSET } from "../entry/layout.ts";
import { ALWAYS, Code, IF_EQUAL, UNLESS_EQUAL } from "../entry/x86-64-code.ts";
import { type Cargo, commandWords } from "./cargo.ts";
import { startCold } from "./cold-x86-64.ts";
import { forEachStretch, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE, mmap } from "./mmap-x86-64.ts";
import type { Processor } from "./processor.ts";

// asm/unistd_64.h
const STAT = 4;
const MADVISE = 28;
const ARCH_PRCTL = 158;
const SET_TID_ADDRESS = 218;

const ARCH_SET_FS = 0x1002;
const MADV_NOHUGEPAGE = 15;
const MADV_POPULATE_WRITE = 23;

/** Where and how the process stood. */
export interface Standing {
  readonly stackPointer: number;
  readonly instruction: number;
  /** The thread pointer. */
  readonly thread: number;
  /** Where the C library keeps the thread's id. */
  readonly threadId: number;
  /** The C library's `environ`. */
  readonly environ: number;
  /** Its function that says where errno is. */
  readonly errnoLocation: number;
}

/** Whoever sets this starts the engine anew: to compare the two, or because there is something wrong with the snapshot. */
export const COLD_VARIABLE = "RUNTS_START=cold";

/**
 * At entry rsp points at argc (System V ABI, 3.4.1). r15 keeps that, r14 the environment. Nothing of this is on the stack for long.
 *
 * Whatever is not as it was when the snapshot was taken leads to the cold start: another processor, whose instructions the C library
 * and the engine have not chosen; another C library; and memory that the kernel has put something else into, since it places the stack
 * and the vdso at random.
 */
export function resumeX8664(cargo: Cargo, processor: Processor, standing: Standing): Uint8Array {
  const code = new Code();
  const cold: number[] = [];
  code.emit(0x49, 0x89, 0xe7); // mov r15, rsp
  lookForVariable(code, cold);
  compareProcessor(code, cold, processor);
  compareLibrary(code, cold, cargo);
  mapZeros(code, cold, cargo.zeros);
  touch(code, cargo);
  copyStack(code, cargo);
  beThisProcess(code, standing);
  movQuad(code, [0x48, 0xbc], standing.stackPointer); // mov rsp, stack pointer
  movQuad(code, [0x48, 0xb9], standing.instruction); // mov rcx, instruction
  code.emit(0x31, 0xc0, 0xff, 0xe1); // xor eax, eax; jmp rcx
  for (const jump of cold) code.land(jump);
  startCold(code, cargo);
  return new Uint8Array(code.bytes);
}

function movQuad(code: Code, opcode: readonly number[], value: number): void {
  code.emit(...opcode);
  code.quad(BigInt(value));
}

function lookForVariable(code: Code, cold: number[]): void {
  const halves = new DataView(new TextEncoder().encode(COLD_VARIABLE).buffer);
  code.emit(0x49, 0x8b, 0x07); // mov rax, [r15]
  code.emit(0x49, 0x8d, 0x74, 0xc7, 0x10); // lea rsi, [r15+rax*8+16]
  code.emit(0x49, 0x89, 0xf6); // mov r14, rsi
  code.emit(0x49, 0xb8);
  code.quad(halves.getBigUint64(0, true)); // mov r8, first half
  code.emit(0x49, 0xb9);
  code.quad(halves.getBigUint64(8, true)); // mov r9, second half
  const next = code.bytes.length;
  code.emit(0x48, 0xad); // lodsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const end = code.jump(IF_EQUAL);
  code.emit(0x4c, 0x39, 0x00); // cmp [rax], r8: the kernel has eight more bytes after the last variable
  code.jump(UNLESS_EQUAL, next);
  code.emit(0x4c, 0x39, 0x48, 0x08); // cmp [rax+8], r9
  code.jump(UNLESS_EQUAL, next);
  code.emit(0x80, 0x78, 0x10, 0x00); // cmp byte [rax+16], 0
  code.jump(UNLESS_EQUAL, next);
  cold.push(code.jump(ALWAYS));
  code.land(end);
}

/** `cpuid` is answered by the host of a virtual machine, which takes 10 to 70 µs: only what tells of instructions is asked for. */
function compareProcessor(code: Code, cold: number[], processor: Processor): void {
  const compare = (register: readonly number[], value: number) => {
    code.emit(...register);
    code.word(value);
    cold.push(code.jump(UNLESS_EQUAL));
  };
  askProcessor(code, 1);
  compare([0x81, 0xf9], processor.leaf1Ecx); // cmp ecx, ...
  compare([0x81, 0xfa], processor.leaf1Edx); // cmp edx, ...
  askProcessor(code, 7);
  compare([0x81, 0xfb], processor.leaf7Ebx); // cmp ebx, ...
  compare([0x81, 0xf9], processor.leaf7Ecx); // cmp ecx, ...
  askStates(code);
  compare([0x3d], processor.states); // cmp eax, ...
}

/** cpuid with the leaf, and subleaf 0. It changes rbx, too. */
export function askProcessor(code: Code, leaf: number): void {
  code.emit(0xb8);
  code.word(leaf); // mov eax, leaf
  code.emit(0x31, 0xc9, 0x0f, 0xa2); // xor ecx, ecx; cpuid
}

/** Which registers the kernel saves, and programs may use therefore: XCR0. */
export function askStates(code: Code): void {
  code.emit(0x31, 0xc9, 0x0f, 0x01, 0xd0); // xor ecx, ecx; xgetbv
}

/**
 * The C library in the snapshot must be the machine's: another one's mended faults are to count, and what is loaded later may need what
 * that one has. struct stat, asm/stat.h.
 */
function compareLibrary(code: Code, cold: number[], { library, librarySize, libraryTime }: Cargo): void {
  code.emit(0x48, 0x81, 0xec);
  code.word(STAT_BYTES); // sub rsp, STAT_BYTES
  code.emit(0xbf);
  code.word(library); // mov edi, path
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.call(STAT);
  code.emit(0x85, 0xc0); // test eax, eax
  cold.push(code.jump(UNLESS_EQUAL));
  for (const [offset, value] of [
    [ST_SIZE, librarySize],
    [ST_MTIME, libraryTime],
  ] as const) {
    movQuad(code, [0x48, 0xb8], value); // mov rax, value
    code.emit(0x48, 0x39, 0x44, 0x24, offset); // cmp [rsp+offset], rax
    cold.push(code.jump(UNLESS_EQUAL));
  }
}

const STAT_BYTES = 144;
const ST_SIZE = 48;
const ST_MTIME = 88;

/** Memory that was untouched, by a table of addresses, sizes, protections, and whether it must not have huge pages. */
function mapZeros(code: Code, cold: number[], table: number): void {
  code.emit(0xbd);
  code.word(table); // mov ebp, table
  forEachStretch(code, 24, () => {
    code.emit(0x8b, 0x55, 0x10); // mov edx, [rbp+16]
    mmap(code, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE);
    // A kernel that does not know MAP_FIXED_NOREPLACE takes the address for a wish.
    code.emit(0x48, 0x3b, 0x45, 0x00); // cmp rax, [rbp]
    cold.push(code.jump(UNLESS_EQUAL));
    code.emit(0x83, 0x7d, 0x14, 0x00); // cmp dword [rbp+20], 0
    const any = code.jump(IF_EQUAL);
    code.emit(0x48, 0x89, 0xc7); // mov rdi, rax
    code.emit(0x48, 0x8b, 0x75, 0x08); // mov rsi, [rbp+8]
    code.emit(0xba);
    code.word(MADV_NOHUGEPAGE); // mov edx, MADV_NOHUGEPAGE
    code.call(MADVISE);
    code.land(any);
  });
}

/**
 * Has those pages at once that the command will write to: a page costs a third of what a fault takes. Which they are depends on the
 * command, so the arguments are looked through for its word; a wrong guess costs time only.
 */
function touch(code: Code, { touched }: Cargo): void {
  code.emit(0xbd);
  code.word(touched.tend); // mov ebp, table
  code.emit(0x49, 0x8d, 0x77, 0x08); // lea rsi, [r15+8]
  const nextWord = code.bytes.length;
  code.emit(0x48, 0xad); // lodsq
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  const chosen = [code.jump(IF_EQUAL)];
  code.emit(0x48, 0x8b, 0x00); // mov rax, [rax]: behind the last argument are more than eight bytes
  for (const [word, kind] of commandWords) {
    const { shift, characters } = leftmost(`${word}\0`);
    code.emit(0x48, 0x89, 0xc1); // mov rcx, rax
    code.emit(0x48, 0xc1, 0xe1, shift); // shl rcx, shift
    code.emit(0x49, 0xb8);
    code.quad(characters); // mov r8, word
    code.emit(0x4c, 0x39, 0xc1); // cmp rcx, r8
    const other = code.jump(UNLESS_EQUAL);
    code.emit(0xbd);
    code.word(touched[kind]); // mov ebp, table
    chosen.push(code.jump(ALWAYS));
    code.land(other);
  }
  code.jump(ALWAYS, nextWord);
  for (const jump of chosen) code.land(jump);
  forEachStretch(code, 16, () => {
    code.emit(0xba);
    code.word(MADV_POPULATE_WRITE); // mov edx, MADV_POPULATE_WRITE
    code.call(MADVISE); // Before Linux 5.14 there is no such advice.
  });
}

/** The stack's place was among the zeros: no segment of the file may be where the kernel could put this process's own. */
function copyStack(code: Code, { stack, stackAddress, stackBytes }: Cargo): void {
  code.emit(0xbe);
  code.word(stack); // mov esi, stack
  movQuad(code, [0x48, 0xbf], stackAddress); // mov rdi, address
  code.emit(0xb9);
  code.word(stackBytes / 8); // mov ecx, count
  code.emit(0xf3, 0x48, 0xa5); // rep movsq
}

function beThisProcess(code: Code, { thread, threadId, environ }: Standing): void {
  code.emit(0xbf);
  code.word(ARCH_SET_FS); // mov edi, ARCH_SET_FS
  movQuad(code, [0x48, 0xbe], thread); // mov rsi, thread
  code.call(ARCH_PRCTL);
  movQuad(code, [0x48, 0xbf], threadId); // mov rdi, threadId
  code.call(SET_TID_ADDRESS);
  code.emit(0x89, 0x07); // mov [rdi], eax
  code.emit(0x4c, 0x89, 0x3c, 0x25);
  code.word(RECORD_ADDRESS + START_OFFSET); // mov [record+start], r15
  movQuad(code, [0x48, 0xbf], environ); // mov rdi, environ
  code.emit(0x4c, 0x89, 0x37); // mov [rdi], r14
}
