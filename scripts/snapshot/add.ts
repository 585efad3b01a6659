/** An executable with a snapshot, and what it was without one. */
import { executable, HEADER_BYTES } from "./executable.ts";
import type { Snapshot } from "./take.ts";

/** The file ends with its header as it was, its size as it was, and this. */
const MARK = new TextEncoder().encode("runts snapshot 1");
const TRAILER_BYTES = HEADER_BYTES + 8 + MARK.length;

/** @param base without a snapshot. */
export function withSnapshot(base: Uint8Array, { entry, segments }: Snapshot): Uint8Array {
  const file = executable(base, entry, segments);
  const size = new Uint8Array(new BigUint64Array([BigInt(base.length)]).buffer);
  return Buffer.concat([file, base.subarray(0, HEADER_BYTES), size, MARK]);
}

/** The executable as it was before it was given a snapshot; itself if it never was. */
export function withoutSnapshot(file: Uint8Array): Uint8Array {
  const trailer = file.subarray(file.length - TRAILER_BYTES);
  if (!Buffer.from(MARK).equals(trailer.subarray(HEADER_BYTES + 8))) return file;
  const size = new DataView(trailer.buffer, trailer.byteOffset + HEADER_BYTES, 8).getBigUint64(0, true);
  const base = file.slice(0, Number(size));
  base.set(trailer.subarray(0, HEADER_BYTES));
  return base;
}
