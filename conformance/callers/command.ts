import { type BoundedOptions, runBounded } from "../machine/run-bounded.ts";
import { check, equal, matches } from "./check.ts";

/** An engine's client waits for its daemon: longer than this, and it hangs. */
const limitMs = 60_000;

export interface Finished {
  /** As a shell has it: 128 and the signal's number after a signal. */
  readonly status: number;
  readonly stdout: string;
  /** stdout, then stderr. */
  readonly output: string;
}

export type CommandOptions = Partial<BoundedOptions>;

export interface Expected extends CommandOptions {
  /** Exit status, or those that it may have; 0 without it. */
  readonly status?: number | readonly number[];
  /** All of them are found in stdout and stderr. */
  readonly says?: RegExp | readonly RegExp[];
  /** See `check`. */
  readonly machine?: string;
  /** The client loses the output of a container that ends quickly: when there is none at all, it is tried again. */
  readonly mayBeLost?: boolean;
}

/** Runs a command to its end. @throws when it does not end within a minute. */
export async function run(command: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const done = await runBounded(command, { limitMs, ...options });
  const output = done.stdout + done.stderr;
  if (done.timedOut) throw new Error(`${command.join(" ")}: no end after ${limitMs / 1000} s: ${output.slice(-1000)}`);
  return { status: done.exitCode ?? 137, stdout: done.stdout, output };
}

/** Runs a command that has to succeed. @returns what it wrote to stdout, trimmed. @throws when it fails. */
export async function answer(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const done = await run(command, options);
  if (done.status !== 0) throw new Error(`${command.join(" ")}: status ${done.status}: ${done.output.slice(-1000)}`);
  return done.stdout.trim();
}

/** A check that is one command: how it ends, and what it says. */
export function says(name: string, command: readonly string[], expected: Expected = {}): Promise<boolean> {
  return check(name, () => attempt(command, expected), expected.machine);
}

async function attempt(command: readonly string[], expected: Expected): Promise<void> {
  for (let left = expected.mayBeLost ? 3 : 0; ; left--) {
    const done = await run(command, expected);
    if (done.output !== "" || left === 0) return judge(done, expected);
  }
}

/** Like `says`, at a terminal of 101 columns and 37 rows. */
export function saysAtTerminal(name: string, command: readonly string[], expected: Expected = {}): Promise<boolean> {
  return check(name, async () => judge(await atTerminal(command), expected), expected.machine);
}

function judge(done: Finished, expected: Expected): void {
  const statuses = [expected.status ?? 0].flat();
  if (!statuses.includes(done.status)) {
    throw new Error(`status ${done.status}, expected ${statuses.join(" or ")}: ${done.output.trim().slice(-1500)}`);
  }
  matches(done.output, ...[expected.says ?? []].flat());
}

/** What a person does at the terminal: waits for something to be shown, then types, resizes, or both. */
export interface TypedLine {
  readonly after: RegExp;
  readonly type?: string;
  /** Columns and rows. */
  readonly resize?: readonly [number, number];
}

/**
 * Runs a command at a terminal of its own and plays a person's part.
 *
 * @throws when what a line waits for is not shown within 20 s, or the command does not end.
 */
export async function atTerminal(command: readonly string[], lines: readonly TypedLine[] = []): Promise<Finished> {
  let shown = "";
  let from = 0;
  const decoder = new TextDecoder();
  const child = Bun.spawn([...command], {
    terminal: {
      cols: 101,
      rows: 37,
      data: (_, bytes) => {
        shown += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const alarm = setTimeout(() => child.kill("SIGKILL"), limitMs);
  try {
    for (const line of lines) {
      from = await waitFor(line.after, () => shown, from);
      if (line.resize !== undefined) child.terminal!.resize(...line.resize);
      if (line.type !== undefined) child.terminal!.write(line.type);
    }
    await child.exited;
    await Bun.sleep(50);
  } finally {
    clearTimeout(alarm);
    child.kill("SIGKILL");
    child.terminal?.close();
  }
  const output = shown.replaceAll("\r\n", "\n");
  return { status: child.exitCode ?? 137, stdout: output, output };
}

/** @returns where in the text what was waited for ends. */
async function waitFor(expression: RegExp, shown: () => string, from: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = expression.exec(shown().slice(from));
    if (found !== null) return from + found.index + found[0].length;
    await Bun.sleep(100);
  }
  throw new Error(`${expression} is not shown: ${JSON.stringify(shown().slice(from))}`);
}

/** A check that asks for one value. */
export function equals(name: string, actual: () => Promise<string>, expected: string, machine = ""): Promise<boolean> {
  return check(name, async () => equal(await actual(), expected), machine);
}
