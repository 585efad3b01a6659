/**
 * What comes before the engine: a few instructions that the executable starts with (docs/architecture.md, "Before the engine").
 * Here is where they and what they note down are in memory, and which variables they take away.
 */

/** Above the engine's image, which begins at 2 MiB and ends far below. Apart by 64 KiB, the largest page there is. */
export const STUB_ADDRESS = 0x40000000;
export const RECORD_ADDRESS = 0x40010000;

/** The record: native-bindings/inherited.ts reads it. */
export const RECORD_BYTES = 24;
/** 1 when the caller's working directory is gone, and the process is in `/` for that. */
export const DIRECTORY_GONE_OFFSET = 0;
/** 1 when the limits below are there. */
export const LIMITS_KNOWN_OFFSET = 4;
/** struct rlimit64 of RLIMIT_NOFILE: soft, hard. */
export const LIMITS_OFFSET = 8;

export const RLIMIT_NOFILE = 7;
/** PATH_MAX */
export const PATH_BYTES = 4096;

/**
 * Variables that begin so are not for the engine, in lower or upper case (mimalloc takes both). At most eight characters.
 *
 * Others stay, for hooks without an environment of their own get the caller's.
 */
const prefixes = [
  "BUN_", // options, debugger, being a whole `bun`, switches of JavaScriptCore
  "MIMALLOC", // its allocator: prints, and reserves memory
  "NODE_CHA", // NODE_CHANNEL_FD: a descriptor to be spoken to
  "NODE_COM", // NODE_COMPILE_CACHE: a directory of code
  "NODE_DEB", // NODE_DEBUG: prints
  "NODE_EXT", // NODE_EXTRA_CA_CERTS: a file to read
  "NODE_OPT", // NODE_OPTIONS
];

/** Each byte's bit that tells lower case from upper case. */
export const CASE_BITS = 0x2020202020202020n;

export interface Prefix {
  /** How far eight characters are shifted to the left, so that only as many are left as the prefix has. */
  readonly shift: number;
  /** What they are then, with {@link CASE_BITS} set before. */
  readonly expected: bigint;
}

export const dropped: readonly Prefix[] = prefixes.map((prefix) => {
  const characters = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < prefix.length; i++) characters.setUint8(i, prefix.charCodeAt(i));
  const shift = 8 * (8 - prefix.length);
  const word = (characters.getBigUint64(0, true) | CASE_BITS) << BigInt(shift);
  return { shift, expected: BigInt.asUintN(64, word) };
});
