/**
 * Hooks that run beside the runtime, in its namespaces: prestart, createRuntime, poststart, poststop.
 *
 * A hook's streams are unnamed files in memory, not pipes. So the hook's own end is the end of waiting, even when a
 * process that it left behind holds on to its output; and neither a hook that ignores its input nor one that writes much
 * can block anything.
 *
 * @see runtime-spec config.md, POSIX-platform Hooks
 */
import { MFD_CLOEXEC } from "../../native-bindings/constants.ts";
import { close, writeAll } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall, syscallRetry, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { Hook } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { goJsonWithoutBigints } from "../report/go-json.ts";

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
    for (const name of ["stdin", "stdout", "stderr"]) streams.push(memoryFile(`hook ${name}`));
    const [stdin, stdout, stderr] = streams as [number, number, number];
    writeAll(stdin, utf8(stateJson(state)), "the hook's standard input");
    syscall(SYS.lseek, stdin, 0, 0);
    const failure = spawnHook(hook, streams, cwd);
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

function spawnHook(hook: Hook, streams: readonly number[], cwd: string | undefined): HookFailure | undefined {
  const args = hook.args ?? [];
  let result: Bun.SyncSubprocess;
  try {
    result = Bun.spawnSync({
      // The path is run as it is; what the hook finds as its own name is what args says.
      cmd: [hook.path, ...args.slice(1)],
      argv0: args[0] ?? hook.path,
      cwd,
      env: hook.env === undefined ? process.env : environment(hook.env),
      stdio: [streams[0]!, streams[1]!, streams[2]!],
      timeout: hook.timeout === undefined ? undefined : hook.timeout * 1000,
      killSignal: "SIGKILL",
    });
  } catch (error) {
    const errno = (error as { errno?: unknown }).errno;
    if (typeof errno !== "number") throw error;
    return { reason: `fork/exec ${hook.path}`, ran: false, errno: Math.abs(errno) };
  }
  if (result.exitedDueToTimeout) {
    return { reason: `hook ran past specified timeout of ${hook.timeout!.toFixed(1)}s`, ran: true };
  }
  if (result.exitCode === 0) return undefined;
  return { reason: result.signalCode ? `signal: ${result.signalCode}` : `exit status ${result.exitCode}`, ran: true };
}

function environment(entries: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    if (equals > 0) variables[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return variables;
}

/** @see memfd_create(2) */
function memoryFile(name: string): number {
  const fd = syscall(SYS.memfd_create, cstring(name), MFD_CLOEXEC);
  if (fd < 0) throw new SystemError("memfd_create", JSON.stringify(name), -fd);
  return fd;
}

function shownOutput(fd: number): string {
  const bytes = new Uint8Array(SHOWN_BYTES);
  const count = syscallRetry(SYS.pread64, fd, addressOf(bytes), SHOWN_BYTES, 0);
  return count <= 0 ? "" : text(bytes.subarray(0, count));
}
