/**
 * The caller's words, its arguments and its environment, where the kernel put them: the engine's own copies are not this process's
 * when it goes on from a snapshot (docs/architecture.md, "The snapshot"). So nothing else may ask the engine for them.
 */

/** Where the record of the executable's entry is: known to the compiled executable only. */
declare const RUNTS_RECORD_ADDRESS: number | undefined;

// scripts/entry/layout.ts
const START_OFFSET = 32;

/** A part of the engine's FFI that looks at this process's memory. */
interface Memory {
  readonly read: Readonly<Record<"ptr" | "u8" | "u32", (address: number, offset: number) => number>>;
  /** Up to the first zero. */
  toArrayBuffer(address: number): ArrayBuffer;
}

export const memory = (Bun as unknown as { readonly FFI: Memory }).FFI;
const { read, toArrayBuffer } = memory;
const decoder = new TextDecoder();

/** As what the program was called: the first of its arguments. Empty when there are none. */
export function callersName(): string {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") return process.argv0;
  const address = read.ptr(start() + 8, 0);
  return address === 0 ? "" : textAt(address);
}

/** The arguments after the program's name. */
export function callersArguments(): string[] {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") return process.argv.slice(2);
  // argc, argv[0], argv[1]: System V ABI, 3.4.1 (x86-64); the same on aarch64. Before Linux 5.18, argc may be 0.
  return read.ptr(start(), 0) === 0 ? [] : words(start() + 16);
}

/** The environment, as words `name=value`. */
export function callersEnvironment(): string[] {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") {
    return Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  }
  return words(environment());
}

/** A variable of the environment; the first, if there are several of that name. */
export function callersVariable(name: string): string | undefined {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") return process.env[name];
  const first = name.charCodeAt(0);
  for (let at = environment(); ; at += 8) {
    const address = read.ptr(at, 0);
    if (address === 0) return undefined;
    if (read.u8(address, 0) !== first) continue;
    const word = textAt(address);
    if (word.startsWith(name) && word[name.length] === "=") return word.slice(name.length + 1);
  }
}

/** Where the kernel left the stack. */
function start(): number {
  return read.ptr(RUNTS_RECORD_ADDRESS!, START_OFFSET);
}

function environment(): number {
  return start() + 8 * (read.ptr(start(), 0) + 2);
}

/** A list that ends with a null pointer. */
function words(list: number): string[] {
  const found: string[] = [];
  for (let at = list; ; at += 8) {
    const address = read.ptr(at, 0);
    if (address === 0) return found;
    found.push(textAt(address));
  }
}

function textAt(address: number): string {
  return read.u8(address, 0) === 0 ? "" : decoder.decode(toArrayBuffer(address));
}
