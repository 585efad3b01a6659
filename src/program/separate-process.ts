/**
 * The frame of a program that becomes another program of the host's, a hook or criu: how it gets rid of all that is the engine's, and
 * how it tells what kept it from becoming that.
 */
import { load, type ProgramBuilder } from "./builder.ts";
import { ERROR_MESSAGE, MESSAGE_BYTES } from "./layout.ts";

const RLIMIT_NOFILE = 7;
const SIGKILL = 9;
const SIGSTOP = 19;
const LAST_SIGNAL = 64;
const SIG_SETMASK = 2;
const SIGSET_BYTES = 8;
const CLOSE_RANGE_CLOEXEC = 4;
/** struct sigaction with SIG_DFL, and an empty mask. */
const SIGACTION_BYTES = 32;
const NOT_EXECUTED = 127;

/**
 * Descriptors from 0 on, and no others; every signal as at the beginning; the caller's limits of open files.
 *
 * @param descriptors how many.
 * @param firstOwn from here on they are not the other program's.
 * @param openFiles struct rlimit64 of RLIMIT_NOFILE, where the engine has changed it.
 * @returns the slots that must have the runtime's descriptors for them when the program begins.
 */
export function beginSeparate(
  p: ProgramBuilder,
  descriptors: number,
  firstOwn: number,
  openFiles: Uint32Array | undefined,
): number[] {
  const { nr } = p;
  const sources: number[] = [];
  for (let fd = 0; fd < descriptors; fd++) {
    const source = p.slot(`descriptor_${fd}`, 0);
    sources.push(source);
    p.call(nr.dup3, load(source), fd, 0);
  }
  p.call(nr.close_range, descriptors, -1, 0);
  p.call(nr.close_range, firstOwn, -1, CLOSE_RANGE_CLOEXEC);
  const none = p.constant(new Uint8Array(SIGACTION_BYTES));
  p.call(nr.rt_sigprocmask, SIG_SETMASK, none, 0, SIGSET_BYTES);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    if (signal !== SIGKILL && signal !== SIGSTOP) p.call(nr.rt_sigaction, signal, none, 0, SIGSET_BYTES);
  }
  if (openFiles !== undefined) {
    p.call(nr.prlimit64, 0, RLIMIT_NOFILE, p.constant(new Uint8Array(openFiles.buffer)), 0);
  }
  return sources;
}

/** Becomes the other program; what failed, here or before, is written to a file. execve(2) */
export function becomeOther(
  p: ProgramBuilder,
  { path, args, env }: { readonly path: string; readonly args: readonly string[]; readonly env: readonly string[] },
  failure: number,
): void {
  p.call(p.nr.execve, p.string(path), p.stringArray(args), p.stringArray(env));
  p.place(p.fail);
  const end = p.label();
  p.fail = end;
  p.call(p.nr.write, failure, ERROR_MESSAGE, MESSAGE_BYTES);
  p.place(end);
  p.call(p.nr.exit_group, NOT_EXECUTED);
}
