/**
 * A hook's process, started as a program of its own, so that it has nothing of the engine (ignored signals, descriptors, limits) and
 * ends with the runtime: a hook that outlived a killed create would go on in a container that delete takes away.
 */
import { PR_SET_PDEATHSIG, WALL } from "../../native-bindings/constants.ts";
import { EINTR } from "../../native-bindings/errno.ts";
import { close } from "../../native-bindings/files.ts";
import { inheritedOpenFiles } from "../../native-bindings/inherited.ts";
import { addressOf, ownPid, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { spawnProgram } from "../lifecycle/spawn-program.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { MESSAGE_BYTES } from "../program/layout.ts";
import { becomeOther, beginSeparate } from "../program/separate-process.ts";

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

const SIGKILL = 9;
const FIRST_OWN = 3;

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
  const sources = beginSeparate(p, streams.length, FIRST_OWN, inheritedOpenFiles());
  p.call(nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
  // The runtime may have died before that.
  const parent = p.slot("parent");
  const alive = p.label();
  p.call(nr.getppid).save(parent);
  p.xor(load(parent), ownPid()).onZero(alive).ignoreError();
  p.call(nr.exit_group, 1);
  p.place(alive);
  if (cwd !== undefined) p.call(nr.chdir, p.string(cwd));
  becomeOther(p, { path, args, env }, FIRST_OWN);
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
