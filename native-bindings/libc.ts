/**
 * The hot seam to the kernel: `syscall(2)` of the C library.
 *
 * Every command starts here, so it costs as little as can be: the executable brings an addon of 900 bytes that does this and no
 * more, where koffi's takes 1.3 ms to load, and the engine's FFI 0.5 ms with the just-in-time compiler that it needs
 * (docs/measurements.md). What needs types or other libraries is declared in `koffi.ts`.
 */
import { EINTR } from "./errno.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

/** The native part of `bun:ffi`: without its JavaScript, functions take and give plain numbers only. */
interface NativeFfi {
  dlopen(
    library: string,
    functions: object,
  ): { readonly symbols: Readonly<Record<string, (...args: number[]) => number>> };
  ptr(buffer: ArrayBufferView): number;
  readonly read: {
    i32(address: number, offset: number): number;
    u32(address: number, offset: number): number;
  };
}

export const ffi = (Bun as unknown as { readonly FFI: NativeFfi }).FFI;

/** Where the entry stub's record is: known to the compiled executable only. */
declare const RUNTS_RECORD_ADDRESS: number | undefined;

// scripts/entry/layout.ts
const MODULE_OFFSET = 24;

/** The call module's function: which of its targets (scripts/entry/call-module.ts), and seven arguments. */
type CallModule = (
  target: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
) => number;

const RAW = 0;

/** Where one part of the executable leaves it for the others, each of which has this file for itself. */
const shared = globalThis as { runtsCallModule?: CallModule };

/** The call module that the entry stub handed over; undefined where there is none, as in the source tree. */
export const callModule = shared.runtsCallModule ?? loadCallModule();

function loadCallModule(): CallModule | undefined {
  if (typeof RUNTS_RECORD_ADDRESS === "undefined") return undefined;
  const fd = ffi.read.i32(RUNTS_RECORD_ADDRESS, MODULE_OFFSET);
  if (fd === 0) return undefined;
  const module: { exports: unknown } = { exports: undefined };
  process.dlopen(module, `/proc/self/fd/${fd}`);
  const call = module.exports as CallModule;
  call(RAW, SYS.close, fd, 0, 0, 0, 0, 0);
  shared.runtsCallModule = call;
  return call;
}

/** The same through the engine's FFI, which needs its just-in-time compiler. i64_fast: a number where it fits. */
const declarations = {
  syscall: {
    args: ["i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast"],
    returns: "i64_fast",
  },
  __errno_location: { args: [], returns: "ptr" },
} as const;

const bound = callModule === undefined ? bindSyscall() : undefined;

function bindSyscall() {
  const { symbols } = ffi.dlopen("libc.so.6", declarations);
  const call = symbols.syscall!;
  const errnoAddress = symbols.__errno_location!();
  return (nr: number, a: number, b: number, c: number, d: number, e: number, f: number): number => {
    const result = call(nr, a, b, c, d, e, f);
    return result === -1 ? -ffi.read.i32(errnoAddress, 0) : result;
  };
}

/**
 * One raw system call.
 *
 * @returns its result, or the errno as a negative number. Pointers and descriptors are plain numbers.
 * @see syscall(2)
 */
export function syscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return callModule !== undefined ? callModule(RAW, nr, a, b, c, d, e, f) : bound!(nr, a, b, c, d, e, f);
}

/** This process. The engine's `process.pid` may be that of the process whose snapshot this one goes on from. getpid(2) */
export function ownPid(): number {
  return syscall(SYS.getpid);
}

/** {@link syscall}, repeated while a signal interrupts it. */
export function syscallRetry(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  for (;;) {
    const result = syscall(nr, a, b, c, d, e, f);
    if (result !== -EINTR) return result;
  }
}

/** The address of a buffer, which must stay referenced for as long as the kernel may use it. */
export function addressOf(buffer: ArrayBufferView): number {
  return ffi.ptr(buffer);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Two path buffers (for calls that take two), reused by every call: no call keeps them. PATH_MAX is 4096. */
const pathBytes = 8192;
const paths = new Uint8Array(2 * pathBytes);
const pathsAddress = addressOf(paths);

/**
 * The address of `text` as a C string in a buffer that the next call with the same `slot` overwrites.
 *
 * @throws SystemError ENAMETOOLONG when it does not fit, EINVAL when it holds a NUL byte.
 */
export function cstring(text: string, slot: 0 | 1 = 0): number {
  const start = slot * pathBytes;
  const { read: taken, written } = encoder.encodeInto(text, paths.subarray(start, start + pathBytes - 1));
  if (taken < text.length) throw new SystemError("path", `"${text.slice(0, 100)}..."`, 36);
  if (text.indexOf("\0") >= 0) throw new SystemError("path", JSON.stringify(text.slice(0, 100)), 22);
  paths[start + written] = 0;
  return pathsAddress + start;
}

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A string from UTF-8 bytes. */
export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
