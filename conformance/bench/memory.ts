import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Config, writeConfig } from "../machine/bundles.ts";
import { type BoundedRun, runBounded } from "../machine/run-bounded.ts";

const limitMs = 10_000;

/**
 * Peak resident memory of a command, in bytes: the runtime's own process, or a child's that it waited for.
 *
 * Through time(1), which is small: a child's ru_maxrss starts at what its parent had when it forked (exec_mmap, fs/exec.c),
 * so that a big parent would measure itself.
 */
export async function peakOf(command: readonly string[], scratch: string): Promise<number> {
  const report = join(scratch, "peak");
  const run = await runBounded(["/usr/bin/time", "--format=%M", `--output=${report}`, ...command], { limitMs });
  if (run.exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${run.stderr}`);
  const kibibytes = Number(readFileSync(report, "utf8").trim());
  rmSync(report);
  return kibibytes * 1024;
}

/**
 * The smallest memory limit, in bytes, under which the container still starts and ends with 0: by bisection, in steps of 32 KiB.
 *
 * @param run starts the container of the bundle and waits for its end
 */
export async function smallestLimit(bundle: string, config: Config, run: () => Promise<BoundedRun>): Promise<number> {
  const step = 32 * 1024;
  let tooSmall = 0;
  let enough = 1024;
  while (enough - tooSmall > 1) {
    const middle = (tooSmall + enough) >> 1;
    if (await starts(middle)) enough = middle;
    else tooSmall = middle;
  }
  return enough * step;

  async function starts(steps: number): Promise<boolean> {
    config.linux.resources = { ...config.linux.resources, memory: { limit: steps * step } };
    writeConfig(bundle, config);
    // Luck is no answer: reclaim may let it through once.
    for (let attempt = 0; attempt < 3; attempt++) if ((await run()).exitCode !== 0) return false;
    return true;
  }
}
