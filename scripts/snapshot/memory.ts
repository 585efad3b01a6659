/** The memory of a process that waits: what is mapped where, and what of it is its own. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

export const PAGE = 4096;

/** The name of a mapping of the C library. */
export const C_LIBRARY = /\/libc\.so\.6$/;

export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** Where in its file it begins. */
  readonly offset: number;
  /** A path, or a name in brackets; empty for anonymous memory. */
  readonly name: string;
  /** madvise(2) with MADV_NOHUGEPAGE was called for it. */
  readonly withoutHugePages: boolean;
}

export class ProcessMemory {
  readonly mappings: readonly Mapping[];
  private readonly memory: number;
  private readonly pagemap: number;

  /** @throws Error where this process may not look at that one's memory. */
  constructor(pid: number) {
    this.mappings = mappingsOf(readFileSync(`/proc/${pid}/smaps`, "utf8"));
    this.memory = openSync(`/proc/${pid}/mem`, "r");
    this.pagemap = openSync(`/proc/${pid}/pagemap`, "r");
  }

  close(): void {
    closeSync(this.memory);
    closeSync(this.pagemap);
  }

  read(address: number, bytes: number): Uint8Array {
    const buffer = new Uint8Array(bytes);
    if (readSync(this.memory, buffer, 0, bytes, address) !== bytes) {
      throw new Error(`the memory at ${address.toString(16)} cannot be read`);
    }
    return buffer;
  }

  readNumber(address: number): number {
    return Number(new DataView(this.read(address, 8).buffer).getBigInt64(0, true));
  }

  /**
   * Which pages of a mapping are neither its file's nor zero still: of each, whether it is the process's own.
   *
   * @see proc_pid_pagemap(5)
   */
  ownPages({ start, end }: Mapping): boolean[] {
    const words = new BigUint64Array((end - start) / PAGE);
    readSync(this.pagemap, new Uint8Array(words.buffer), 0, words.byteLength, (start / PAGE) * 8);
    return Array.from(words, (word) => isOwn(word));
  }
}

const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const FILE_OR_SHARED = 1n << 61n;

function isOwn(word: bigint): boolean {
  return (word & (PRESENT | SWAPPED)) !== 0n && (word & FILE_OR_SHARED) === 0n;
}

/** Whether a process of the executable has started the engine, and not gone on from a snapshot: then the linker has loaded libraries. */
export function startedEngine(pid: number): boolean {
  return mappingsOf(readFileSync(`/proc/${pid}/smaps`, "utf8")).some(({ name }) => C_LIBRARY.test(name));
}

/** @see proc_pid_smaps(5) */
export function mappingsOf(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const part of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (.)(.)(.). ([0-9a-f]+) \S+ \d+ *(.*)$/m.exec(part);
    if (head === null) continue;
    const [, start, end, r, w, x, offset, name] = head as unknown as string[];
    mappings.push({
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      readable: r === "r",
      writable: w === "w",
      executable: x === "x",
      offset: Number.parseInt(offset!, 16),
      name: name!,
      withoutHugePages: / nh( |$)/m.test(/^VmFlags:.*$/m.exec(part)?.[0] ?? ""),
    });
  }
  return mappings;
}
