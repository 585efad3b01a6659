/**
 * What comes before the engine: a few instructions that the executable starts with (docs/architecture.md, "Before the engine").
 * Here is where they and what they note down are in memory, and which variables they take away.
 */

/** Above the engine's image, which begins at 2 MiB and ends far below. Apart by 64 KiB, the largest page there is. */
export const STUB_ADDRESS = 0x40000000;
export const RECORD_ADDRESS = 0x40010000;

/** The record: native-bindings/inherited.ts, caller-words.ts and libc.ts read it. */
export const RECORD_BYTES = 48;
/** 1 when the caller's working directory is gone, and the process is in `/` for that. */
export const DIRECTORY_GONE_OFFSET = 0;
/** 1 when the limits below are there. */
export const LIMITS_KNOWN_OFFSET = 4;
/** struct rlimit64 of RLIMIT_NOFILE: soft, hard. */
export const LIMITS_OFFSET = 8;
/** The descriptor of the call module (call-module.ts), 3 or more; 0 when there is none. */
export const MODULE_OFFSET = 24;
/** The address at which the kernel left the stack: of argc, and behind it the arguments and the environment. */
export const START_OFFSET = 32;
/** The thread pointer, noted down by a process whose snapshot will be taken (src/cli/snapshot.ts). */
export const THREAD_OFFSET = 40;

/** After the record, in the same segment: the environment that the engine gets, and the auxiliary vector. */
export const ENVIRONMENT_OFFSET = 64;
export const SEGMENT_BYTES = 0x10000;
/** No variable is copied to here or further: the auxiliary vector, which is shorter, must have room. */
export const ENVIRONMENT_LIMIT = RECORD_ADDRESS + SEGMENT_BYTES - 2048;

export const RLIMIT_NOFILE = 7;
/** PATH_MAX */
export const PATH_BYTES = 4096;

// linux/fcntl.h, linux/memfd.h
export const F_DUPFD_CLOEXEC = 1030;
export const MFD_CLOEXEC = 1;
export const MFD_NOEXEC_SEAL = 8;

/** At {@link STUB_ADDRESS}: a word that native-bindings/snapshot-mode.ts reads, padded. */
export const MODE_BYTES = 16;

/** What the stub has with it: strings, each with its end, and the call module. */
export interface Cargo {
  readonly root: number;
  readonly moduleName: number;
  readonly withoutJit: number;
  readonly module: number;
  readonly moduleBytes: number;
}

/** `/`, the name of the descriptor, and the engine's option, at the places of {@link Cargo}. */
export const strings = ["/", "runts", "BUN_JSC_useJIT=0"] as const;

/**
 * Where the cargo is, in front of the code: a word that is 0, strings one after the other, and the module.
 *
 * @param address of the first byte.
 * @returns its places, its bytes, padded to a multiple of 16.
 */
export function pack(address: number, module: Uint8Array): { cargo: Cargo; bytes: Uint8Array } {
  const places: number[] = [];
  const packed: number[] = new Array(MODE_BYTES).fill(0);
  for (const string of strings) {
    places.push(address + packed.length);
    packed.push(...new TextEncoder().encode(string), 0);
  }
  while (packed.length % 16 !== 0) packed.push(0);
  const [root, moduleName, withoutJit] = places as [number, number, number];
  const bytes = new Uint8Array(Math.ceil((packed.length + module.length) / 16) * 16);
  bytes.set(packed);
  bytes.set(module, packed.length);
  return {
    cargo: { root, moduleName, withoutJit, module: address + packed.length, moduleBytes: module.length },
    bytes,
  };
}

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
  const { shift, characters } = leftmost(prefix);
  return { shift, expected: BigInt.asUintN(64, characters | (CASE_BITS << BigInt(shift))) };
});

/**
 * Some characters as a register has them that was loaded from where they are, and shifted to the left until nothing but them is left.
 *
 * @param text at most eight characters.
 */
export function leftmost(text: string): { readonly shift: number; readonly characters: bigint } {
  const shift = 8 * (8 - text.length);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < text.length; i++) view.setUint8(i + shift / 8, text.charCodeAt(i));
  return { shift, characters: view.getBigUint64(0, true) };
}
