/** What of the memory must not be as it was, for a process that goes on from it. */
import { RECORD_ADDRESS, RECORD_BYTES } from "../entry/layout.ts";
import { Code } from "../entry/x86-64-code.ts";
import { RESUME_ADDRESS } from "./cargo.ts";
import { jumpX8664 } from "./discard-x86-64.ts";
import { C_LIBRARY, type Mapping, type ProcessMemory } from "./memory.ts";
import type { Piece } from "./pieces.ts";
import { LoadedObject } from "./symbols.ts";

/** Where the C library has what belongs to the process. */
export interface ThreadPlaces {
  readonly threadId: number;
  readonly errnoLocation: number;
}

/**
 * The functions of the vdso, and the system calls that they spare: what they read is the kernel's, which puts it anywhere.
 *
 * @see vdso(7)
 */
const vdsoFunctions: [name: string, number: number][] = [
  ["__vdso_clock_gettime", 228],
  ["__vdso_gettimeofday", 96],
  ["__vdso_time", 201],
  ["__vdso_getcpu", 309],
  ["__vdso_clock_getres", 229],
];

/** rseq(2): cpu_id_start, and cpu_id, which says that it could not be registered. */
const RSEQ_NOT_REGISTERED = [0, -2];

/** Where in struct pthread the thread's id can be: behind its header, which is tcbhead_t. */
const THREAD_ID_FROM = 0x2c0;
const THREAD_ID_TO = 0x340;

/**
 * Changes the bytes of the pieces.
 *
 * @param thread the thread pointer.
 * @throws Error for a C library that is not as glibc is on x86_64.
 */
export function mend(pieces: readonly Piece[], memory: ProcessMemory, pid: number, thread: number): ThreadPlaces {
  const libc = new LoadedObject(memory, baseOf(memory.mappings, C_LIBRARY));
  const linker = new LoadedObject(memory, baseOf(memory.mappings, /\/ld-linux-x86-64\.so\.2$/));
  const vdsoBase = baseOf(memory.mappings, /^\[vdso\]$/);
  const vdso = new LoadedObject(memory, vdsoBase);

  for (const [name, number] of vdsoFunctions) write(pieces, vdso.address(name), callOf(number));
  write(pieces, libc.address("madvise"), jumpX8664(RESUME_ADDRESS));
  // brk(2): the C library asks anew where its end is.
  write(pieces, libc.address("__curbrk"), new Uint8Array(8));
  const rseq = thread + memory.readNumber(linker.address("__rseq_offset"));
  write(pieces, rseq, new Uint8Array(new Int32Array(RSEQ_NOT_REGISTERED).buffer));
  // What the entry stub has noted down was of that process.
  write(pieces, RECORD_ADDRESS, new Uint8Array(RECORD_BYTES));
  return {
    threadId: threadIdPlace(memory, pid, thread),
    errnoLocation: libc.address("__errno_location"),
  };
}

function baseOf(mappings: readonly Mapping[], name: RegExp): number {
  const mapping = mappings.find((each) => each.offset === 0 && name.test(each.name));
  if (mapping === undefined) throw new Error(`nothing is mapped whose name is like ${name}`);
  return mapping.start;
}

/** A function that makes a system call with its own arguments. */
function callOf(number: number): Uint8Array {
  const code = new Code();
  code.call(number);
  code.emit(0xc3); // ret
  return new Uint8Array(code.bytes);
}

function threadIdPlace(memory: ProcessMemory, pid: number, thread: number): number {
  const words = new Int32Array(memory.read(thread + THREAD_ID_FROM, THREAD_ID_TO - THREAD_ID_FROM).buffer);
  const index = words.indexOf(pid);
  if (index < 0) throw new Error("the C library's thread does not have its id where glibc has it");
  return thread + THREAD_ID_FROM + 4 * index;
}

function write(pieces: readonly Piece[], address: number, bytes: Uint8Array): void {
  const piece = pieces.find(({ start, end }) => address >= start && address + bytes.length <= end);
  if (piece?.content.kind !== "bytes") throw new Error(`nothing is brought for ${address.toString(16)}`);
  piece.content.bytes.set(bytes, address - piece.start);
}
