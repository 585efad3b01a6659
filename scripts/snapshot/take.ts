/** Runs an executable up to where its snapshot is taken, and takes it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { RECORD_ADDRESS, THREAD_OFFSET } from "../entry/layout.ts";
import { PF_R, PF_W } from "../entry/program-headers.ts";
import type { Library, Stack } from "./cargo.ts";
import { MOST_SEGMENTS } from "./executable.ts";
import { C_LIBRARY, PAGE, ProcessMemory } from "./memory.ts";
import { mend } from "./mend.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import type { Standing } from "./resume-x86-64.ts";
import { waiting } from "./waiting.ts";

const DEFAULT_STACK_BYTES = 8 << 20;

/** A process as it stood, and all that it had in memory. */
export interface Snapshot {
  readonly pieces: readonly Piece[];
  readonly library: Library;
  readonly stack: Stack;
  readonly standing: Standing;
}

/**
 * Takes the snapshot of a process that is about to wait for it, or waits already.
 *
 * @param path of its executable.
 * @param environSlot where the address of the C library's `environ` is.
 * @throws Error where it has more than one thread, or is not as such a process has to be.
 */
export async function takeSnapshot(pid: number, path: string, environSlot: number): Promise<Snapshot> {
  const { stackPointer, instruction } = await waiting(pid);
  const threads = readdirSync(`/proc/${pid}/task`).length;
  if (threads !== 1) throw new Error(`the engine has ${threads} threads: a snapshot has room for one`);
  const memory = new ProcessMemory(pid);
  try {
    const thread = memory.readNumber(RECORD_ADDRESS + THREAD_OFFSET);
    const pieces = fewPieces(memory, path);
    const places = mend(pieces, memory, pid, thread);
    const environ = memory.readNumber(environSlot);
    const stack = stackOf(memory, stackPointer);
    pieces.push(stackPiece(pid, stack));
    return {
      pieces,
      library: libraryOf(memory),
      stack,
      standing: { stackPointer, instruction, thread, environ, ...places },
    };
  } finally {
    memory.close();
  }
}

function libraryOf({ mappings }: ProcessMemory): Library {
  const path = mappings.find(({ name }) => C_LIBRARY.test(name))?.name;
  if (path === undefined) throw new Error("the process has no C library");
  const { size, mtimeMs } = statSync(path);
  return { path, size, changed: Math.floor(mtimeMs / 1000) };
}

/** As many as the kernel loads from one file, with one for the instructions. */
function fewPieces(memory: ProcessMemory, path: string): Piece[] {
  for (let bridgedPages = LEAST_BRIDGED_PAGES; ; bridgedPages *= 2) {
    const pieces = piecesOf(memory, path, bridgedPages);
    if (pieces.filter(({ content }) => content.kind !== "zero").length < MOST_SEGMENTS) return pieces;
  }
}

const LEAST_BRIDGED_PAGES = 32;

/** From the stack pointer to its end. Below is nothing that anyone comes back to. */
function stackOf(memory: ProcessMemory, stackPointer: number): Stack {
  const mapping = memory.mappings.find(({ name }) => name === "[stack]");
  if (mapping === undefined) throw new Error("the process has no stack");
  const address = stackPointer - (stackPointer % 16) - RED_ZONE_BYTES;
  return { address, bytes: memory.read(address, mapping.end - address) };
}

/** System V ABI, 3.2.2 */
const RED_ZONE_BYTES = 128;

/** All that it may grow to: the engine has reckoned with the limit that it found. */
function stackPiece(pid: number, stack: Stack): Piece {
  const limit = /^Max stack size +(\w+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
  const size = limit === undefined || limit === "unlimited" ? DEFAULT_STACK_BYTES : Number(limit);
  const end = stack.address + stack.bytes.length;
  const start = end - Math.floor(size / PAGE) * PAGE;
  return { start, end, flags: PF_R | PF_W, content: { kind: "zero", withoutHugePages: false } };
}
