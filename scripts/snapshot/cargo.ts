/** What the instructions of a snapshot have with them, in front of them: tables, strings, and the stack. */
import { PF_W, type ProgramHeader, PT_INTERP, PT_LOAD } from "../entry/program-headers.ts";
import { PAGE } from "./memory.ts";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from "./mmap-x86-64.ts";
import type { Piece } from "./pieces.ts";

/** Above the record of the entry stub, apart by 64 KiB. Here is the function that madvise(2) goes to. */
export const RESUME_ADDRESS = 0x40020000;

/** Addresses, but where it says otherwise. */
export interface Cargo {
  /** Memory to map: {@link zeroTable}. */
  readonly zeros: number;
  /** What a command will write to: {@link touchedTable}. */
  readonly touched: Readonly<Record<Kind, number>>;
  /** The engine's own data: {@link dataTable}. */
  readonly data: number;
  /** The path of the C library; not addresses: its size and the second of its last change. */
  readonly library: number;
  readonly librarySize: number;
  readonly libraryTime: number;
  /** The path of this executable. */
  readonly executable: number;
  /** The path of the dynamic linker. */
  readonly interpreter: number;
  readonly message: number;
  readonly messageBytes: number;
  /** What goes onto the stack, and where. */
  readonly stack: number;
  readonly stackAddress: number;
  readonly stackBytes: number;
  /** As the kernel would have told them for the engine's own file. */
  readonly programHeaders: number;
  readonly programHeaderCount: number;
  readonly entry: number;
}

/** What the engine's own file says. */
export interface EngineFile {
  readonly headers: readonly ProgramHeader[];
  readonly interpreter: string;
  /** Where the program headers are in memory. */
  readonly headersAddress: number;
  readonly entry: number;
}

/** The file of the C library that the snapshot has. */
export interface Library {
  readonly path: string;
  readonly size: number;
  /** In seconds since 1970. */
  readonly changed: number;
}

/** The used part of the stack. */
export interface Stack {
  readonly address: number;
  readonly bytes: Uint8Array;
}

const message = "runts: cannot start: /proc/self/exe or the dynamic linker cannot be loaded\n";

/** Kinds of commands, by what they do to the engine's memory: make a container, make a process in one, and all others. */
export type Kind = "make" | "exec" | "tend";

/** The words of commands that are not of the last kind; at most seven characters. */
export const commandWords: readonly (readonly [word: string, kind: Kind])[] = [
  ["create", "make"],
  ["run", "make"],
  ["exec", "exec"],
];

/** Stretches of memory, as addresses [from, to). */
export type Stretches = readonly (readonly [from: number, to: number])[];

/** @returns the places, and the bytes that are at {@link RESUME_ADDRESS}: a multiple of 16. */
export function packCargo(
  pieces: readonly Piece[],
  touched: Readonly<Record<Kind, Stretches>>,
  engine: EngineFile,
  library: Library,
  stack: Stack,
  discard: Uint8Array,
): { cargo: Cargo; bytes: Uint8Array } {
  const parts: Uint8Array[] = [];
  let end = RESUME_ADDRESS;
  const place = (bytes: Uint8Array) => {
    const address = end;
    const padded = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
    padded.set(bytes);
    parts.push(padded);
    end += padded.length;
    return address;
  };
  const text = (string: string) => place(new TextEncoder().encode(`${string}\0`));
  place(discard);
  const cargo: Cargo = {
    zeros: place(zeroTable(pieces)),
    touched: {
      make: place(touchedTable(touched.make)),
      exec: place(touchedTable(touched.exec)),
      tend: place(touchedTable(touched.tend)),
    },
    data: place(dataTable(engine.headers)),
    library: text(library.path),
    librarySize: library.size,
    libraryTime: library.changed,
    executable: text("/proc/self/exe"),
    interpreter: text(engine.interpreter),
    message: text(message),
    messageBytes: message.length,
    stack: place(stack.bytes),
    stackAddress: stack.address,
    stackBytes: stack.bytes.length,
    programHeaders: engine.headersAddress,
    programHeaderCount: engine.headers.length,
    entry: engine.entry,
  };
  const bytes = new Uint8Array(end - RESUME_ADDRESS);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { cargo, bytes };
}

/** Of each piece of zeros: address, bytes, protection and whether huge pages are unwanted, in half a word each. Ends with a 0. */
function zeroTable(pieces: readonly Piece[]): Uint8Array {
  const words: bigint[] = [];
  for (const { start, end, flags, content } of pieces) {
    if (content.kind !== "zero") continue;
    words.push(BigInt(start), BigInt(end - start));
    words.push(BigInt(protectionOf(flags)) | (content.withoutHugePages ? 1n << 32n : 0n));
  }
  return table(words);
}

/** Of each stretch: address, bytes. Ends with a 0. */
function touchedTable(stretches: Stretches): Uint8Array {
  const words = stretches.flatMap(([from, to]) => [BigInt(from), BigInt(to - from)]);
  return table(words);
}

function table(words: readonly bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array([...words, 0n]).buffer);
}

/** p_flags of elf(5) as protection of mmap(2): the bits the other way round. */
function protectionOf(flags: number): number {
  return ((flags >> 2) & 1) | (flags & 2) | ((flags & 1) << 2);
}

/** Of each segment that can be written: address, bytes, offset in the file, flags of mmap(2). Ends with a 0. */
function dataTable(headers: readonly ProgramHeader[]): Uint8Array {
  const words: bigint[] = [];
  for (const { type, flags, address, offset, fileBytes, memoryBytes } of headers) {
    if (type !== PT_LOAD || (flags & PF_W) === 0) continue;
    if (fileBytes !== 0 && fileBytes !== memoryBytes) {
      throw new Error(
        "the engine's data are only in part in its file: the snapshot is made for an engine whose are wholly",
      );
    }
    const within = address % PAGE;
    const whole = Math.ceil((memoryBytes + within) / PAGE) * PAGE;
    const anonymous = fileBytes === 0 ? MAP_ANONYMOUS : 0;
    words.push(...[address - within, whole, fileBytes === 0 ? 0 : offset - within].map(BigInt));
    words.push(BigInt(MAP_PRIVATE | MAP_FIXED | anonymous));
  }
  return table(words);
}

/** @throws Error when the executable has no dynamic linker. */
export function engineFileOf(file: Uint8Array, headers: readonly ProgramHeader[]): EngineFile {
  const view = new DataView(file.buffer, file.byteOffset);
  const interpreter = headers.find(({ type }) => type === PT_INTERP);
  const first = headers.find(({ type, offset }) => type === PT_LOAD && offset === 0);
  if (interpreter === undefined || first === undefined)
    throw new Error("the engine's executable has no dynamic linker");
  const path = file.subarray(interpreter.offset, interpreter.offset + interpreter.fileBytes - 1);
  return {
    headers,
    interpreter: new TextDecoder().decode(path),
    headersAddress: first.address + Number(view.getBigUint64(32, true)),
    entry: Number(view.getBigUint64(24, true)),
  };
}
