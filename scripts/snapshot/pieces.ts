/** From mappings to pieces: what the executable has to bring, and what is merely mapped. */
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

/** So many pages that are not the process's own are taken for its own between two that are: a mapping costs more than they do. */
const BRIDGED_PAGES = 32;

/**
 * All that a process has mapped but its stack, and what the kernel maps into every process.
 *
 * @param executable the path of the file that the process was started from.
 */
export function piecesOf(memory: ProcessMemory, executable: string): Piece[] {
  const pieces: Piece[] = [];
  for (const mapping of memory.mappings) {
    if (isKernels(mapping) || mapping.name === "[stack]" || !mapping.readable) continue;
    const isExecutable = mapping.name === executable;
    // A library is brought as it is: another file may be in its place by then. So is the vdso, whose functions are replaced.
    const brought = !isExecutable && mapping.name !== "" && mapping.name !== "[heap]";
    const own = memory.ownPages(mapping).map((isOwn) => isOwn || brought);
    bridge(own);
    for (const [from, to] of runs(own)) {
      const [start, end] = [mapping.start + from * PAGE, mapping.start + to * PAGE];
      const content = own[from]
        ? ({ kind: "bytes", bytes: memory.read(start, end - start) } as const)
        : isExecutable
          ? ({ kind: "executable", offset: mapping.offset + from * PAGE } as const)
          : ({ kind: "zero", withoutHugePages: mapping.withoutHugePages } as const);
      pieces.push({ start, end, flags: flagsOf(mapping), content });
    }
  }
  return pieces;
}

/** vsyscall is at one address in all processes; vvar is what the vdso reads. */
function isKernels({ name }: Mapping): boolean {
  return name === "[vsyscall]" || name.startsWith("[vvar");
}

function flagsOf({ readable, writable, executable }: Mapping): number {
  return (readable ? 4 : 0) | (writable ? 2 : 0) | (executable ? 1 : 0);
}

function bridge(own: boolean[]): void {
  let last = -1;
  for (let page = 0; page < own.length; page++) {
    if (!own[page]) continue;
    if (last >= 0 && page - last - 1 <= BRIDGED_PAGES) own.fill(true, last + 1, page);
    last = page;
  }
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
