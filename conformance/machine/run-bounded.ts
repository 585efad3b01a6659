import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface BoundedRun {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  /** The time limit was reached and the process was killed. */
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface BoundedOptions {
  readonly limitMs: number;
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** What it reads from stdin, a file; without it, stdin is /dev/null. */
  readonly input?: string;
}

/**
 * Runs a command in a session of its own and kills the whole process group when it takes longer than `limitMs`.
 *
 * Output goes through files: a container that outlives the command holds the descriptors open, and a pipe would never end.
 */
export async function runBounded(command: readonly string[], options: BoundedOptions): Promise<BoundedRun> {
  const scratch = mkdtempSync(join(tmpdir(), "bounded-"));
  const out = openSync(join(scratch, "out"), "w");
  const err = openSync(join(scratch, "err"), "w");
  const given = join(scratch, "in");
  if (options.input !== undefined) writeFileSync(given, options.input);
  const input = openSync(options.input === undefined ? "/dev/null" : given, "r");
  const began = performance.now();
  try {
    const child = Bun.spawn([...command], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [input, out, err],
      detached: true,
    });
    let timedOut = false;
    const alarm = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, options.limitMs);
    await child.exited;
    clearTimeout(alarm);
    return {
      exitCode: child.exitCode,
      timedOut,
      stdout: readFileSync(join(scratch, "out"), "utf8"),
      stderr: readFileSync(join(scratch, "err"), "utf8"),
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    closeSync(input);
    closeSync(out);
    closeSync(err);
    rmSync(scratch, { recursive: true });
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    // It may have ended between the alarm and here.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
