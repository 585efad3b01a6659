/**
 * Signal handlers in machine code: one system call each, then back. The engine's own handlers wait for its event loop, which a blocking
 * call holds up, and it knows no real-time signals. signal-safety(7): raw system calls are safe, and leave errno alone.
 */
import { addressOf, syscall } from "./libc.ts";
import { type Arch, hostArch, SYS, syscallNumbers } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

/** What a handler begins with. On x86-64 the kernel does not return from a handler by itself: the restorer follows at this offset. */
const RESTORER_OFFSET = 40;
const RT_SIGRETURN = 15;

/** `pidfd_send_signal(pidfd, signal, NULL, 0)` */
export function forwardingHandler(arch: Arch, pidfd: number): Uint8Array {
  const nr = syscallNumbers(arch).pidfd_send_signal;
  if (arch === "aarch64") {
    return aarch64([
      0x2a0003e1, // mov w1, w0
      ...firstArgument(pidfd),
      0xaa1f03e2, // mov x2, xzr
      0xaa1f03e3, // mov x3, xzr
      ...callAndReturn(nr),
    ]);
  }
  // mov esi, edi; mov edi, pidfd; xor edx, edx; xor r10d, r10d; mov eax, nr; syscall; ret
  return x86(0x89, 0xfe, 0xbf, ...word(pidfd), 0x31, 0xd2, 0x45, 0x31, 0xd2, 0xb8, ...word(nr), 0x0f, 0x05, 0xc3);
}

/** `write(event, &one, 8)`: adds one to an eventfd(2). */
export function countingHandler(arch: Arch, event: number): Uint8Array {
  const nr = syscallNumbers(arch).write;
  if (arch === "aarch64") {
    return aarch64([
      ...firstArgument(event),
      0x100000a1, // adr x1, one: 20 bytes from here
      0x52800102, // mov w2, #8
      ...callAndReturn(nr),
      1, // one
      0,
    ]);
  }
  // mov edi, event; lea rsi, [rip + 13]; mov edx, 8; mov eax, nr; syscall; ret; one
  const load = [0xbf, ...word(event), 0x48, 0x8d, 0x35, ...word(13), 0xba, ...word(8)];
  return x86(...load, 0xb8, ...word(nr), 0x0f, 0x05, 0xc3, 1, 0, 0, 0, 0, 0, 0, 0);
}

/** With the restorer: mov eax, 15; syscall */
function x86(...handler: number[]): Uint8Array {
  const code = new Uint8Array(RESTORER_OFFSET + 7);
  code.set(handler);
  code.set([0xb8, ...word(RT_SIGRETURN), 0x0f, 0x05], RESTORER_OFFSET);
  return code;
}

function word(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
}

function aarch64(instructions: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(instructions).buffer);
}

/** movz w0, #low; movk w0, #high, lsl #16 */
function firstArgument(value: number): number[] {
  return [0x52800000 | ((value & 0xffff) << 5), 0x72a00000 | ((value >>> 16) << 5)];
}

/** movz w8, #nr; svc #0; ret */
function callAndReturn(nr: number): number[] {
  return [0x52800008 | (nr << 5), 0xd4000001, 0xd65f03c0];
}

/**
 * From now on these signals to this process go to the one that `pidfd` is of. The descriptor must stay open. When that process has ended,
 * they are lost.
 *
 * @throws SystemError when there is no memory for it.
 * @see pidfd_send_signal(2)
 */
export function forwardSignals(signals: readonly number[], pidfd: number): void {
  handle(signals, forwardingHandler(hostArch, pidfd));
}

/**
 * From now on these signals make a descriptor readable, which is returned: 8 bytes, the number of them since the last read.
 *
 * @throws SystemError
 * @see eventfd(2)
 */
export function signalsAsEvents(signals: readonly number[]): number {
  const EFD_CLOEXEC_NONBLOCK = 0o2004000;
  const event = syscall(SYS.eventfd2, 0, EFD_CLOEXEC_NONBLOCK);
  if (event < 0) throw new SystemError("eventfd2", "0", -event);
  handle(signals, countingHandler(hostArch, event));
  return event;
}

const SA_RESTORER = 0x04000000n;
const SA_ONSTACK = 0x08000000n;
const SA_RESTART = 0x10000000n;
const SIGSET_BYTES = 8;

/** sigaction(2) */
function handle(signals: readonly number[], code: Uint8Array): void {
  const handler = executable(code);
  const x86 = hostArch === "x86_64";
  // The kernel's struct sigaction: handler, flags, restorer, mask.
  const action = new BigUint64Array(4);
  action[0] = BigInt(handler);
  action[1] = SA_ONSTACK | SA_RESTART | (x86 ? SA_RESTORER : 0n);
  action[2] = BigInt(x86 ? handler + RESTORER_OFFSET : 0);
  const address = addressOf(action);
  for (const signal of signals) syscall(SYS.rt_sigaction, signal, address, 0, SIGSET_BYTES);
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE_BYTES = 4096;

/** A page of its own for the code, never writable and executable at once. @returns its address. */
function executable(code: Uint8Array): number {
  const page = syscall(SYS.mmap, 0, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  // The engine has no way to write to an address. The kernel has: from a pipe.
  const ends = new Int32Array(2);
  const piped = page < 0 ? page : syscall(SYS.pipe2, addressOf(ends), 0);
  if (piped < 0) throw new SystemError("mmap", "a page for a signal handler", -piped);
  syscall(SYS.write, ends[1]!, addressOf(code), code.length);
  syscall(SYS.read, ends[0]!, page, code.length);
  for (const end of ends) syscall(SYS.close, end);
  const result = syscall(SYS.mprotect, page, PAGE_BYTES, PROT_READ | PROT_EXEC);
  if (result < 0) throw new SystemError("mprotect", "PROT_READ|PROT_EXEC", -result);
  return page;
}
