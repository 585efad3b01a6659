/**
 * What the caller handed to this process and the engine would not have told: the instructions before the engine noted it down
 * (docs/architecture.md, "Before the engine").
 */
import { ffi } from "./libc.ts";

/** Where the record is: known to the compiled executable only. */
declare const RUNTS_RECORD_ADDRESS: number | undefined;

// scripts/entry/layout.ts
const DIRECTORY_GONE_OFFSET = 0;
const LIMITS_KNOWN_OFFSET = 4;
const LIMITS_OFFSET = 8;

/**
 * The limits of open files before the engine raised the soft one: struct rlimit64, each half a number.
 *
 * @returns undefined where they are not known: run from the sources.
 */
export function inheritedOpenFiles(): Uint32Array | undefined {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") return undefined;
  if (ffi.read.i32(RUNTS_RECORD_ADDRESS, LIMITS_KNOWN_OFFSET) !== 1) return undefined;
  const limits = new Uint32Array(4);
  for (let i = 0; i < 4; i++) limits[i] = ffi.read.u32(RUNTS_RECORD_ADDRESS, LIMITS_OFFSET + 4 * i);
  return limits;
}

/** Whether the caller's working directory was deleted or out of reach, so that this process is in `/` in its stead. */
export function workingDirectoryGone(): boolean {
  return typeof RUNTS_RECORD_ADDRESS !== "undefined" && ffi.read.i32(RUNTS_RECORD_ADDRESS, DIRECTORY_GONE_OFFSET) === 1;
}

/** What the entry stub adds for the engine: no other variable of its kind is left. */
const ENGINE_OPTION = "BUN_JSC_useJIT";

/** The caller's environment, as words `name=value`. */
export function inheritedEnvironment(): string[] {
  const words: string[] = [];
  for (const [name, value] of Object.entries(process.env)) {
    if (name !== ENGINE_OPTION) words.push(`${name}=${value}`);
  }
  return words;
}
