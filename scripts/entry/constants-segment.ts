// elf.h
const PT_LOAD = 1;
const PF_R = 4;

/** Addresses in the running executable. */
export interface Segment {
  readonly address: number;
  readonly bytes: number;
}

/**
 * Where the engine's constants are: what of its image can be neither written nor executed, in whole pages.
 *
 * @param head the executable's first bytes, with its program headers.
 * @throws Error when there is no such segment, as linkers make it.
 * @see elf(5)
 */
export function constantsSegment(head: Uint8Array): Segment {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const start = Number(view.getBigUint64(32, true));
  for (let at = start; at < start + 56 * view.getUint16(56, true); at += 56) {
    if (view.getUint32(at, true) !== PT_LOAD || view.getUint32(at + 4, true) !== PF_R) continue;
    const [address, bytes] = [Number(view.getBigUint64(at + 16, true)), Number(view.getBigUint64(at + 40, true))];
    // The largest page of any kernel: the last one may have something else in it.
    return { address, bytes: bytes - (bytes % 0x10000) };
  }
  throw new Error("the engine's executable has no segment of constants");
}
