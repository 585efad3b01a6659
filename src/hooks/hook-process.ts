/**
 * A hook's process, started as a program of its own, so that it has nothing of the engine (ignored signals, descriptors, limits) and
 * ends with the runtime: a hook that outlived a killed create would go on in a container that delete takes away.
 */
import { PR_SET_PDEATHSIG, WALL } from "../../native-bindings/constants.ts";
import { EINTR } from "../../native-bindings/errno.ts";
import { close } from "../../native-bindings/files.ts";
import { inheritedOpenFiles } from "../../native-bindings/inherited.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { spawnProgram } from "../lifecycle/spawn-program.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { ERROR_MESSAGE, MESSAGE_BYTES } from "../program/layout.ts";

export interface HookProcess {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** The runtime's when left out. */
  readonly cwd: string | undefined;
  /** Standard input, output and error, and a file that takes what keeps it from being executed. */
  readonly streams: readonly [number, number, number, number];
  readonly timeoutSeconds: number;
}

/** How it ended: by wait status; or killed as it took too long; or it was never executed. */
export type HookEnd = { readonly status: number } | { readonly timedOut: true } | { readonly errno: number };

const RLIMIT_NOFILE = 7;
const SIGKILL = 9;
const SIGSTOP = 19;
const LAST_SIGNAL = 64;
const SIGSET_BYTES = 8;
const FIRST_OWN = 3;
const CLOSE_RANGE_CLOEXEC = 4;

/** Runs it to its end. @throws SystemError when it can't even be started. */
export function runHookProcess(hook: HookProcess): HookEnd {
  const { program, sources } = hookProgram(hook);
  const pid = spawnProgram({
    program,
    firstOwn: FIRST_OWN,
    descriptors: hook.streams,
    sources,
    stateDirectory: "/tmp",
  });
  const timedOut = !endsInTime(pid, hook.timeoutSeconds);
  if (timedOut) syscall(SYS.kill, pid, SIGKILL);
  const status = new Int32Array(1);
  syscallRetry(SYS.wait4, pid, addressOf(status), WALL, 0);
  if (timedOut) return { timedOut };
  const failure = new Int32Array(MESSAGE_BYTES / 4);
  const told = syscall(SYS.pread64, hook.streams[3], addressOf(failure), MESSAGE_BYTES, 0);
  return told === MESSAGE_BYTES ? { errno: -failure[2]! } : { status: status[0]! };
}

function hookProgram({ path, args, env, cwd, streams }: HookProcess) {
  const p = new ProgramBuilder();
  const { nr } = p;
  const sources = streams.map((_, index) => p.slot(`stream_${index}`, 0));
  for (let fd = 0; fd < streams.length; fd++) p.call(nr.dup3, load(sources[fd]!), fd, 0);
  p.call(nr.close_range, streams.length, -1, 0);
  p.call(nr.close_range, FIRST_OWN, -1, CLOSE_RANGE_CLOEXEC);
  const none = p.constant(new Uint8Array(32));
  p.call(nr.rt_sigprocmask, 2, none, 0, SIGSET_BYTES);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    if (signal !== SIGKILL && signal !== SIGSTOP) p.call(nr.rt_sigaction, signal, none, 0, SIGSET_BYTES);
  }
  const openFiles = inheritedOpenFiles();
  if (openFiles !== undefined) {
    p.call(nr.prlimit64, 0, RLIMIT_NOFILE, p.constant(new Uint8Array(openFiles.buffer)), 0);
  }
  p.call(nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
  // The runtime may have died before that.
  const parent = p.slot("parent");
  const alive = p.label();
  p.call(nr.getppid).save(parent);
  p.xor(load(parent), process.pid).onZero(alive).ignoreError();
  p.call(nr.exit_group, 1);
  p.place(alive);
  if (cwd !== undefined) p.call(nr.chdir, p.string(cwd));
  p.call(nr.execve, p.string(path), p.stringArray(args), p.stringArray(env));
  p.place(p.fail);
  const end = p.label();
  p.fail = end;
  p.call(nr.write, FIRST_OWN, ERROR_MESSAGE, MESSAGE_BYTES);
  p.place(end);
  p.call(nr.exit_group, 127);
  return { program: p, sources };
}

const POLLIN = 1;

function endsInTime(pid: number, seconds: number): boolean {
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  if (pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -pidfd);
  const pollfd = new Int32Array([pidfd, POLLIN]);
  const limit = new BigInt64Array(2);
  const deadline = performance.now() + seconds * 1000;
  let ready = -EINTR;
  while (ready === -EINTR) {
    const left = Math.max(0, deadline - performance.now());
    limit[0] = BigInt(Math.trunc(left / 1000));
    limit[1] = BigInt(Math.trunc((left % 1000) * 1e6));
    ready = syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8);
  }
  close(pidfd);
  return ready !== 0;
}
