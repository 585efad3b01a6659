/**
 * What the caller handed to this process and the engine would not have told: the instructions before the engine noted it down
 * (docs/architecture.md, "Before the engine").
 */
import { addressOf, ffi, syscall, text } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";

/** Where the record is: known to the compiled executable only. */
declare const RUNTS_RECORD_ADDRESS: number | undefined;

// scripts/entry/layout.ts
const DIRECTORY_GONE_OFFSET = 0;
const LIMITS_KNOWN_OFFSET = 4;
const LIMITS_OFFSET = 8;

const PATH_MAX = 4096;
const SLASH = 47;

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

/**
 * The working directory.
 *
 * @returns undefined when it was deleted or is out of reach.
 * @see getcwd(2)
 */
export function workingDirectory(): string | undefined {
  // The entry stub has left a directory that is gone, which the engine would not start in.
  if (typeof RUNTS_RECORD_ADDRESS !== "undefined" && ffi.read.i32(RUNTS_RECORD_ADDRESS, DIRECTORY_GONE_OFFSET) === 1) {
    return undefined;
  }
  const path = new Uint8Array(PATH_MAX);
  const bytes = syscall(SYS.getcwd, addressOf(path), PATH_MAX);
  // What cannot be reached begins with "(unreachable)".
  return bytes < 0 || path[0] !== SLASH ? undefined : text(path.subarray(0, bytes - 1));
}
