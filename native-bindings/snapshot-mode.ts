/** What an executable is run for while the build makes its snapshot: a word at the entry stub's beginning, which is 0 otherwise. */
import { memory } from "./caller-words.ts";

/** Where the executable's entry is: known to the compiled executable only. */
declare const RUNTS_STUB_ADDRESS: number | undefined;

// scripts/entry/layout.ts
export const TO_BE_TAKEN = 1;
export const TO_BE_LOOKED_AT = 2;

/** pause(2): what the build waits for. Snapshots are of x86_64 only (asm/unistd_64.h). */
export const PAUSE = 34;

export function snapshotMode(): number {
  return typeof RUNTS_STUB_ADDRESS === "undefined" ? 0 : memory.read.u32(RUNTS_STUB_ADDRESS, 0);
}
