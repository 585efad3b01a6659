import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** One thing to measure: the same action, a command line for each runtime. */
export interface Contest {
  readonly action: string;
  /** Runtime → command line, run without a shell. */
  readonly commands: ReadonlyMap<string, string>;
  /** Seconds of rest before each command. */
  readonly pause?: number;
}

/**
 * Measures the commands side by side, in rounds: which one goes first changes from round to round, because on some machines
 * the order decides by more than the difference. The result is the median over the rounds of the medians within each.
 *
 * @returns runtime → milliseconds
 * @throws when a command fails, with what hyperfine says about it
 */
export function race(contest: Contest, rounds: number, runs: number, scratch: string): Map<string, number> {
  const medians = new Map<string, number[]>();
  const entrants = [...contest.commands];
  for (let round = 0; round < rounds; round++) {
    const turn = round % entrants.length;
    const order = [...entrants.slice(turn), ...entrants.slice(0, turn)];
    const answer = measure(
      order.map(([, command]) => command),
      { runs, pause: contest.pause },
      scratch,
    );
    for (const [index, [name]] of order.entries()) medians.set(name, [...(medians.get(name) ?? []), answer[index]!]);
  }
  return new Map([...medians].map(([name, values]) => [name, median(values)]));
}

/** Medians in milliseconds, in the order of the commands. */
function measure(
  commands: readonly string[],
  { runs, pause }: { runs: number; pause: number | undefined },
  scratch: string,
): number[] {
  const json = join(scratch, "hyperfine.json");
  // What the commands say on standard error comes with hyperfine's own words.
  const flags = ["--shell=none", "--show-output", "--warmup=3", `--runs=${runs}`, `--export-json=${json}`];
  if (pause !== undefined) flags.push(`--prepare=sleep ${pause}`);
  const done = Bun.spawnSync(["hyperfine", ...flags, ...commands], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if (done.exitCode !== 0) throw new Error(`hyperfine failed on ${commands.join(" | ")}: ${done.stderr}`);
  const { results } = JSON.parse(readFileSync(json, "utf8")) as { results: { median: number }[] };
  rmSync(json);
  return results.map((result) => result.median * 1000);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
