import { closeSync, openSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, join } from "node:path";

/** What one call of the runtime, or any other program, ended with. */
export interface Outcome {
  /** The exit status; 128+n after signal n; undefined when it was killed for taking too long. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** True when the time limit ran out: the process was killed, which is a fault of whatever was called. */
  readonly hung: boolean;
}

export interface CallOptions {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Milliseconds. 10 000 unless said: more than that is a hang. */
  readonly limitMs?: number;
  /** Program and arguments that run the runtime: ["setpriv", "--groups", "4"]. */
  readonly through?: readonly string[];
}

/**
 * RUNTS_TEST_PATIENCE multiplies what tests wait for at most. An emulated processor is slow, and what takes long there is no hang.
 */
export const patience = Number(process.env.RUNTS_TEST_PATIENCE ?? 1);

const repository = join(import.meta.dir, "../..");

function findRuntime(): string {
  const asked = process.env.RUNTIME;
  if (asked === undefined || asked === "") return join(repository, "bin/runts");
  return asked.includes("/") ? asked : (Bun.which(asked) ?? asked);
}

/** The program under test: the one named by the environment variable RUNTIME (path or name), or bin/runts. */
export const runtimePath = findRuntime();

/** "runts", "runc" or "crun". */
export const runtimeName = basename(runtimePath);

/** Runs a program to its end, output in files: a container that inherits them doesn't make the call wait for it. */
export function call(argv: readonly string[], scratch: string, options: CallOptions = {}): Outcome {
  const files = [`${scratch}.out`, `${scratch}.err`] as const;
  const [out, err] = files.map((file) => openSync(file, "w")) as [number, number];
  try {
    const child = Bun.spawnSync([...(options.through ?? []), ...argv], {
      stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
      stdout: out,
      stderr: err,
      env: options.env,
      cwd: options.cwd,
      timeout: patience * (options.limitMs ?? 10_000),
      killSignal: "SIGKILL",
    });
    const hung = child.exitedDueToTimeout === true;
    return { code: hung ? undefined : codeOf(child), hung, ...readOutput(scratch) };
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

/** What has been written so far by a call with this scratch name, and by the container that inherited its output. */
export function readOutput(scratch: string): { stdout: string; stderr: string } {
  return { stdout: readFileSync(`${scratch}.out`, "utf8"), stderr: readFileSync(`${scratch}.err`, "utf8") };
}

/** The same beside the test: for races, and for a runtime that a test kills. */
export function callBeside(argv: readonly string[], scratch: string, env: Record<string, string>) {
  let hung = false;
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: Bun.file(`${scratch}.out`),
    stderr: Bun.file(`${scratch}.err`),
    env,
  });
  const limit = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, patience * 10_000);
  const ended = child.exited.then((): Outcome => {
    clearTimeout(limit);
    return { code: hung ? undefined : codeOf(child), hung, ...readOutput(scratch) };
  });
  return { pid: child.pid, kill: () => child.kill("SIGKILL"), output: () => readOutput(scratch), ended };
}

function codeOf(child: { exitCode: number | null; signalCode?: unknown }): number {
  return child.exitCode ?? 128 + (constants.signals[child.signalCode as NodeJS.Signals] ?? 0);
}

/** What the runtime said went wrong: the text of its log line, or all of stderr when that isn't in logrus' form. */
export function complaint(outcome: Outcome): string {
  const line = /level=error msg=("(?:[^"\\]|\\.)*"|\S+)/.exec(outcome.stderr)?.[1];
  if (line === undefined) return outcome.stderr.trim();
  return line.startsWith('"') ? (JSON.parse(line.replace(/\\x(..)/g, "\\u00$1")) as string) : line;
}
