/**
 * The hot seam to the kernel: `syscall(2)` of the C library.
 *
 * Every command starts here, so it is bound with the engine's own FFI: 0.1 ms at start, where loading koffi's addon takes
 * 1.3 ms, and the engine's module `bun:ffi` 0.4 ms more than the native object that it wraps (docs/measurements.md). What
 * needs types or other libraries is declared in `koffi.ts`.
 */
import { EINTR } from "./errno.ts";
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

/** Every libc function that is called through this seam, in C's terms. i64_fast: a number where it fits. */
const declarations = {
  syscall: {
    args: ["i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast", "i64_fast"],
    returns: "i64_fast",
  },
  __errno_location: { args: [], returns: "ptr" },
} as const;

const { symbols } = ffi.dlopen("libc.so.6", declarations);
const bound = symbols.syscall!;
const errnoAddress = symbols.__errno_location!();

/**
 * One raw system call.
 *
 * @returns its result, or the errno as a negative number. Pointers and descriptors are plain numbers.
 * @see syscall(2)
 */
export function syscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  const result = bound(nr, a, b, c, d, e, f);
  return result === -1 ? -ffi.read.i32(errnoAddress, 0) : result;
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
