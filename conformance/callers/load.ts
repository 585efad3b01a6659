import type { Runtime } from "../machine/runtimes.ts";
import { runApart } from "./apart.ts";

/** Containers, four at a time. */
const containers = 50;
/** Rounds of the two runtimes, the one after the other. */
const rounds = 3;
/** At most this share of runc's time. */
const target = 0.8;

/**
 * Measures how long Docker takes for fifty containers with a little work, four at a time, under the runtime and under its peer, in
 * turn, and prints the medians. Every container has to end with 0, and nothing of them may stay.
 *
 * @returns 1 when something failed or the target is missed.
 */
export async function measureLoad(judged: Runtime, peer: Runtime | undefined, keep: boolean): Promise<number> {
  const runtimes = peer === undefined ? [judged] : [judged, peer];
  const seconds = new Map<string, number[]>(runtimes.map((runtime) => [runtime.name, []]));
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    for (const runtime of round % 2 === 0 ? runtimes : [...runtimes].reverse()) {
      const what = { caller: "docker", runtime: runtime.path, crictl: "", load: containers };
      await runApart(what, keep, (result) => {
        const time = /^(\d+\.\d+) s$/.exec(result.name)?.[1];
        if (time !== undefined) seconds.get(runtime.name)!.push(Number(time));
        if (result.ok) return;
        failed++;
        console.log(`FAIL ${runtime.name}: ${result.name}: ${result.why}`);
      });
      console.error(`round ${round + 1}, ${runtime.name}: ${seconds.get(runtime.name)!.at(-1)} s`);
    }
  }
  const medians = runtimes.map((runtime) => median(seconds.get(runtime.name)!));
  const told = runtimes.map((runtime, index) => `${runtime.name} ${medians[index]!.toFixed(2)} s`);
  console.log(`${containers} containers by docker run, 4 at a time, median of ${rounds} rounds: ${told.join(", ")}`);
  if (peer === undefined) return failed === 0 ? 0 : 1;
  const ratio = medians[0]! / medians[1]!;
  console.log(`${judged.name} / ${peer.name}: ${ratio.toFixed(2)} (target: at most ${target})`);
  return failed === 0 && ratio <= target ? 0 : 1;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!;
}
