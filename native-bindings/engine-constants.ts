import { syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** Where the engine's constants are: known to the compiled executable only (scripts/entry/constants-segment.ts). */
declare const RUNTS_CONSTANTS_ADDRESS: number | undefined;
declare const RUNTS_CONSTANTS_BYTES: number;

const MADV_DONTNEED = 4;

/**
 * Unmaps the constants that the engine has looked at while it started. Most are not looked at again; the kernel maps them by up to
 * 2 MiB at once, and all of it counts as this process's memory. What is needed after all is mapped again when it is read.
 *
 * @see madvise(2)
 */
export function unmapEngineConstants(): void {
  if (typeof RUNTS_CONSTANTS_ADDRESS === "undefined") return;
  syscall(SYS.madvise, RUNTS_CONSTANTS_ADDRESS, RUNTS_CONSTANTS_BYTES, MADV_DONTNEED);
}
