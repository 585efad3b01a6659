/** An executable with a snapshot, and what it was without one. */
import { PF_R, PF_X } from "../entry/program-headers.ts";
import { type EngineFile, type Kind, packCargo, RESUME_ADDRESS, type Stretches } from "./cargo.ts";
import { discardX8664 } from "./discard-x86-64.ts";
import { executable, HEADER_BYTES, type Segment } from "./executable.ts";
import type { Piece } from "./pieces.ts";
import type { Processor } from "./processor.ts";
import { resumeX8664 } from "./resume-x86-64.ts";
import type { Snapshot } from "./take.ts";

/** The file ends with its header as it was, its size as it was, and this. */
const MARK = new TextEncoder().encode("runts snapshot 1");
const TRAILER_BYTES = HEADER_BYTES + 8 + MARK.length;

/**
 * @param base without a snapshot.
 * @param touched what each kind of command will write to.
 * @param processor that the snapshot was taken on.
 */
export function withSnapshot(
  base: Uint8Array,
  { pieces, library, stack, standing }: Snapshot,
  touched: Readonly<Record<Kind, Stretches>>,
  engine: EngineFile,
  processor: Processor,
): Uint8Array {
  const { cargo, bytes } = packCargo(pieces, touched, engine, library, stack, discardX8664(standing.errnoLocation));
  const code = resumeX8664(cargo, processor, standing);
  const resume = { address: RESUME_ADDRESS, flags: PF_R | PF_X, bytes: Buffer.concat([bytes, code]) };
  const segments = [...pieces.flatMap((piece) => segmentOf(piece) ?? []), resume];
  const file = executable(base, RESUME_ADDRESS + bytes.length, segments);
  const size = new Uint8Array(new BigUint64Array([BigInt(base.length)]).buffer);
  return Buffer.concat([file, base.subarray(0, HEADER_BYTES), size, MARK]);
}

function segmentOf({ start, end, flags, content }: Piece): Segment | undefined {
  if (content.kind === "bytes") return { address: start, flags, bytes: content.bytes };
  if (content.kind === "executable") return { address: start, flags, offset: content.offset, size: end - start };
  return undefined;
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
