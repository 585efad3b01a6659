import { PF_R, PT_LOAD, programHeaders } from "./program-headers.ts";

/** The largest page of any kernel. */
const PAGE_BYTES = 0x10000;

/**
 * Where in the running executable the engine's constants are: what of its image can be neither written nor executed, in whole pages.
 *
 * @param head the executable's first bytes, with its program headers.
 * @throws Error when there is no such segment, as linkers make it.
 */
export function constantsSegment(head: Uint8Array): { readonly address: number; readonly bytes: number } {
  const constants = programHeaders(head).find(({ type, flags }) => type === PT_LOAD && flags === PF_R);
  if (constants === undefined) throw new Error("the engine's executable has no segment of constants");
  const { address, memoryBytes } = constants;
  // The last page may have something else in it.
  return { address, bytes: memoryBytes - (memoryBytes % PAGE_BYTES) };
}
