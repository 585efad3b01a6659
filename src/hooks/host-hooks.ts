/**
 * Hooks that run beside the runtime, in its namespaces: prestart, createRuntime, poststart, poststop.
 *
 * A hook's streams are unnamed files in memory, not pipes. So the hook's own end is the end of waiting, even when a
 * process that it left behind holds on to its output; and neither a hook that ignores its input nor one that writes much
 * can block anything.
 *
 * @see runtime-spec config.md, POSIX-platform Hooks
 */

import { callersEnvironment } from "../../native-bindings/caller-words.ts";
import { MFD_CLOEXEC } from "../../native-bindings/constants.ts";
import { close, writeAll } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall, syscallRetry, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { Hook } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { goJsonWithoutBigints } from "../report/go-json.ts";
import { hookEnding } from "./hook-ending.ts";
import { type HookProcess, runHookProcess } from "./hook-process.ts";

export type HostHookKind = "prestart" | "createRuntime" | "poststart" | "poststop";

/** What a hook reads from its standard input. @see runtime-spec runtime.md, State */
export interface HookState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: "creating" | "created" | "running" | "stopped";
  /** As the hook sees it; left out when the container is stopped. */
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How much of a failed hook's output is shown, for each stream. */
const SHOWN_BYTES = 64 << 10;

/**
 * Runs hooks one after the other.
 *
 * @param cwd the hooks' working directory; that of the runtime when left out.
 * @throws RuntimeFault on the first that fails; those after it do not run.
 */
export function runHostHooks(kind: HostHookKind, hooks: readonly Hook[], state: HookState, cwd?: string): void {
  for (let index = 0; index < hooks.length; index++) runHostHook(kind, index, hooks[index]!, state, cwd);
}

/** Runs one hook and waits for its end. @throws RuntimeFault with the hook's pointer, exit status and output. */
export function runHostHook(kind: HostHookKind, index: number, hook: Hook, state: HookState, cwd?: string): void {
  const streams: number[] = [];
  try {
    for (const name of ["stdin", "stdout", "stderr", "failure"]) streams.push(memoryFile(`hook ${name}`));
    const [stdin, stdout, stderr, failed] = streams as [number, number, number, number];
    writeAll(stdin, utf8(stateJson(state)), "the hook's standard input");
    syscall(SYS.lseek, stdin, 0, 0);
    const failure = spawnHook(hook, [stdin, stdout, stderr, failed], cwd);
    if (failure === undefined) return;
    const output = failure.ran ? `, stdout: ${shownOutput(stdout)}, stderr: ${shownOutput(stderr)}` : "";
    throw new RuntimeFault({
      what: `error running ${kind} hook #${index}: ${failure.reason}${output}`,
      where: `/hooks/${kind}/${index}`,
      value: hook.path,
      errno: failure.errno,
    });
  } finally {
    for (const fd of streams) close(fd);
  }
}

/** The state as runc writes it: compact, without what is empty. */
function stateJson(state: HookState): string {
  const { ociVersion, id, status, pid, bundle, annotations } = state;
  const shown = annotations === undefined || Object.keys(annotations).length === 0 ? undefined : annotations;
  return goJsonWithoutBigints({ ociVersion, id, status, pid: pid || undefined, bundle, annotations: shown });
}

interface HookFailure {
  readonly reason: string;
  /** It ran, so that its output says more. */
  readonly ran: boolean;
  readonly errno?: number;
}

/** A hook that names no timeout must not hang a caller for ever. As hooks inside the container. */
const DEFAULT_TIMEOUT_SECONDS = 300;

function spawnHook(hook: Hook, streams: HookProcess["streams"], cwd: string | undefined): HookFailure | undefined {
  const { path, args, env, timeout: timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = hook;
  const end = runHookProcess({
    // The path is run as it is; what the hook finds as its own name is what args says.
    path,
    args: args === undefined || args.length === 0 ? [path] : args,
    env: env ?? callersEnvironment(),
    cwd,
    streams,
    timeoutSeconds,
  });
  if ("errno" in end) return { reason: `fork/exec ${path}`, ran: false, errno: end.errno };
  if ("timedOut" in end) {
    return { reason: `hook ran past specified timeout of ${timeoutSeconds.toFixed(1)}s`, ran: true };
  }
  if (end.status === 0) return undefined;
  return { reason: hookEnding(end.status), ran: true };
}

/** An unnamed file in memory, closed on exec. @see memfd_create(2) */
export function memoryFile(name: string): number {
  const fd = syscall(SYS.memfd_create, cstring(name), MFD_CLOEXEC);
  if (fd < 0) throw new SystemError("memfd_create", JSON.stringify(name), -fd);
  return fd;
}

function shownOutput(fd: number): string {
  const bytes = new Uint8Array(SHOWN_BYTES);
  const count = syscallRetry(SYS.pread64, fd, addressOf(bytes), SHOWN_BYTES, 0);
  return count <= 0 ? "" : text(bytes.subarray(0, count));
}
