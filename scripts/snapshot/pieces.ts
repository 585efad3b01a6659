/** From mappings to pieces: what the executable has to bring, and what is merely mapped. */
import { PF_R, PF_W, PF_X } from "../entry/program-headers.ts";
import { type Mapping, PAGE, type ProcessMemory } from "./memory.ts";

/** A stretch of memory of one kind. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  /** p_flags of elf(5). */
  readonly flags: number;
  readonly content:
    | { readonly kind: "bytes"; readonly bytes: Uint8Array }
    /** As it is in the executable, from there on. */
    | { readonly kind: "executable"; readonly offset: number }
    | { readonly kind: "zero"; readonly withoutHugePages: boolean };
}

/**
 * All that a process has mapped but its stack, and what the kernel maps into every process.
 *
 * @param executable the path of the file that the process was started from.
 * @param bridgedPages so many pages are brought although they need not be, where they are next to some that are: a mapping more costs
 *   more than they do.
 */
export function piecesOf(memory: ProcessMemory, executable: string, bridgedPages: number): Piece[] {
  const pieces: Piece[] = [];
  for (const mapping of memory.mappings) {
    if (isKernels(mapping) || mapping.name === "[stack]" || !mapping.readable) continue;
    const isExecutable = mapping.name === executable;
    // A library is brought as it is: another file may be in its place by then. So is the vdso, whose functions are replaced.
    const brought = !isExecutable && mapping.name !== "" && mapping.name !== "[heap]";
    const own = memory.ownPages(mapping).map((isOwn) => isOwn || brought);
    for (const [from, to] of runs(own)) {
      const [start, end] = [mapping.start + from * PAGE, mapping.start + to * PAGE];
      const content = own[from]
        ? bytesOf(memory, start, end)
        : isExecutable
          ? ({ kind: "executable", offset: mapping.offset + from * PAGE } as const)
          : ({ kind: "zero", withoutHugePages: mapping.withoutHugePages } as const);
      pieces.push({ start, end, flags: flagsOf(mapping), content });
    }
  }
  return joined(pieces.map((piece, i) => bridged(piece, pieces[i - 1], pieces[i + 1], memory, bridgedPages)));
}

function bytesOf(memory: ProcessMemory, start: number, end: number) {
  return { kind: "bytes", bytes: memory.read(start, end - start) } as const;
}

/** vsyscall is at one address in all processes; vvar is what the vdso reads. */
function isKernels({ name }: Mapping): boolean {
  return name === "[vsyscall]" || name.startsWith("[vvar");
}

function flagsOf({ readable, writable, executable }: Mapping): number {
  return (readable ? PF_R : 0) | (writable ? PF_W : 0) | (executable ? PF_X : 0);
}

/** Stretches of equal values, as [from, to). */
function* runs(values: readonly boolean[]): Generator<[from: number, to: number]> {
  let from = 0;
  for (let to = 1; to <= values.length; to++) {
    if (to < values.length && values[to] === values[from]) continue;
    yield [from, to];
    from = to;
  }
}

function bridged(
  piece: Piece,
  before: Piece | undefined,
  after: Piece | undefined,
  memory: ProcessMemory,
  pages: number,
): Piece {
  if (piece.content.kind === "bytes" || piece.end - piece.start > pages * PAGE) return piece;
  const followsBytes = before?.content.kind === "bytes" && canJoin(before, piece);
  const precedesBytes = after?.content.kind === "bytes" && canJoin(piece, after);
  if (!followsBytes && !precedesBytes) return piece;
  return { ...piece, content: bytesOf(memory, piece.start, piece.end) };
}

/** They touch, and may be used alike. What cannot be written may be one mapping, as it was in the libraries of old: of constants and instructions. */
function canJoin(one: Piece, other: Piece): boolean {
  return one.end === other.start && (one.flags === other.flags || ((one.flags | other.flags) & PF_W) === 0);
}

/** Brought pieces that touch each other, in one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last?.content.kind !== "bytes" || piece.content.kind !== "bytes" || !canJoin(last, piece)) {
      result.push(piece);
      continue;
    }
    const bytes = new Uint8Array(piece.end - last.start);
    bytes.set(last.content.bytes);
    bytes.set(piece.content.bytes, piece.start - last.start);
    result[result.length - 1] = {
      start: last.start,
      end: piece.end,
      flags: last.flags | piece.flags,
      content: { kind: "bytes", bytes },
    };
  }
  return result;
}
