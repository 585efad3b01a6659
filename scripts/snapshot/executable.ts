/** An executable of segments, for x86_64, that is loaded by the kernel alone. */
import { PF_R, PF_W, PROGRAM_HEADER_BYTES, PT_GNU_STACK, PT_LOAD, programHeader } from "../entry/program-headers.ts";
import { PAGE } from "./memory.ts";

// elf.h
export const HEADER_BYTES = 64;
/** Some kernels, of which 6.1 is one, read at most a page of program headers. */
export const MOST_SEGMENTS = Math.floor(PAGE / PROGRAM_HEADER_BYTES) - 1;

/** A segment that is added to the file, or one that is in it already. */
export type Segment = {
  readonly address: number;
  /** p_flags */
  readonly flags: number;
} & ({ readonly bytes: Uint8Array } | { readonly offset: number; readonly size: number });

/**
 * @param base what the file begins with; empty for a new one. Its own header is changed, nothing else of it.
 * @param entry where it begins.
 * @see elf(5)
 */
export function executable(base: Uint8Array, entry: number, segments: readonly Segment[]): Uint8Array {
  const count = segments.length + 1;
  if (segments.length > MOST_SEGMENTS) throw new Error(`${count} segments are more than the kernel loads`);
  // New segments, then the headers.
  let end = pageUp(Math.max(base.length, HEADER_BYTES));
  const placed = segments.map((segment) => {
    if ("offset" in segment) return { ...segment, bytes: undefined };
    const offset = end;
    end = pageUp(end + segment.bytes.length);
    return { ...segment, offset, size: segment.bytes.length };
  });
  const file = new Uint8Array(end + PROGRAM_HEADER_BYTES * count);
  file.set(base);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // e_type: ET_EXEC
  view.setUint16(18, 62, true); // e_machine: EM_X86_64
  view.setUint32(20, 1, true); // e_version
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, BigInt(end), true); // e_phoff
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, count, true);
  placed.sort((one, other) => one.address - other.address);
  for (const [i, { address, flags, offset, size, bytes }] of placed.entries()) {
    if (bytes !== undefined) file.set(bytes, offset);
    const header = programHeader(PT_LOAD, flags, { offset, address, fileBytes: size, alignment: PAGE });
    file.set(header, end + PROGRAM_HEADER_BYTES * i);
  }
  const stack = programHeader(PT_GNU_STACK, PF_R | PF_W, { offset: 0, address: 0, fileBytes: 0, alignment: 8 });
  file.set(stack, end + PROGRAM_HEADER_BYTES * placed.length);
  return file;
}

function pageUp(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}
