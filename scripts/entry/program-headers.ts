// elf.h
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_GNU_STACK = 0x6474e551;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
export const PROGRAM_HEADER_BYTES = 56;

/** One segment of an executable. */
export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  /** Where it is in the file. */
  readonly offset: number;
  /** Where it will be in memory. */
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** The header as it stands in the file. */
  readonly bytes: Uint8Array;
}

/**
 * The segments of a 64-bit executable, in their order.
 *
 * @param head its first bytes, with the program headers.
 * @see elf(5)
 */
export function programHeaders(head: Uint8Array): ProgramHeader[] {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const start = Number(view.getBigUint64(32, true));
  const headers: ProgramHeader[] = [];
  for (let at = start; headers.length < view.getUint16(56, true); at += PROGRAM_HEADER_BYTES) {
    const long = (field: number) => Number(view.getBigUint64(at + field, true));
    headers.push({
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: long(8),
      address: long(16),
      fileBytes: long(32),
      memoryBytes: long(40),
      bytes: head.slice(at, at + PROGRAM_HEADER_BYTES),
    });
  }
  return headers;
}

/** A program header as it stands in a file; of a segment that has as many bytes there as in memory, unless it says otherwise. */
export function programHeader(
  type: number,
  flags: number,
  { offset, address, fileBytes, memoryBytes = fileBytes, alignment }: HeaderFields,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(PROGRAM_HEADER_BYTES));
  view.setUint32(0, type, true);
  view.setUint32(4, flags, true);
  const fields = [offset, address, address, fileBytes, memoryBytes, alignment];
  for (const [i, field] of fields.entries()) view.setBigUint64(8 + 8 * i, BigInt(field), true);
  return new Uint8Array(view.buffer);
}

interface HeaderFields {
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes?: number;
  readonly alignment: number;
}
