import type { Runtime } from "../machine/runtimes.ts";
import { runApart } from "./apart.ts";

/** Containers, four at a time. */
const containers = 50;
/** Rounds of the two runtimes, the one after the other. */
const rounds = 7;
/** At most this share of runc's time. */
const target = 0.8;

interface Times {
  /** Seconds on the clock. */
  readonly wall: number[];
  /** Seconds of CPU, of the engine, its shims, the runtime and the containers. */
  readonly cpu: number[];
}

/**
 * Measures how long Docker takes for fifty containers with a little work, four at a time, under the runtime and under its peer, in
 * turn. Compared is the least of the rounds: what else a machine does, and its host, only adds to a time. Every container has to end with 0, and nothing of them may stay.
 *
 * @returns 1 when something failed or the target is missed.
 */
export async function measureLoad(
  judged: Runtime,
  peer: Runtime | undefined,
  keep: boolean,
  goOn: () => void,
): Promise<number> {
  const runtimes = peer === undefined ? [judged] : [judged, peer];
  const times = new Map<string, Times>(runtimes.map((runtime) => [runtime.name, { wall: [], cpu: [] }]));
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    for (const runtime of round % 2 === 0 ? runtimes : [...runtimes].reverse()) {
      goOn();
      failed += await oneRound(runtime, times.get(runtime.name)!, keep);
    }
  }
  const least = runtimes.map(({ name }) => ({
    wall: Math.min(...times.get(name)!.wall),
    cpu: Math.min(...times.get(name)!.cpu),
  }));
  const told = runtimes.map(({ name }, index) => {
    const { wall, cpu } = least[index]!;
    const middle = median(times.get(name)!.wall).toFixed(2);
    return `${name} ${wall.toFixed(2)} s (${cpu.toFixed(2)} s of CPU; median ${middle} s)`;
  });
  console.log(`${containers} containers by docker run, 4 at a time, least of ${rounds} rounds: ${told.join(", ")}`);
  if (peer === undefined) return failed === 0 ? 0 : 1;
  const ratio = least[0]!.wall / least[1]!.wall;
  const cpu = (least[0]!.cpu / least[1]!.cpu).toFixed(2);
  console.log(`${judged.name} / ${peer.name}: ${ratio.toFixed(2)} (target: at most ${target}), of CPU ${cpu}`);
  return failed === 0 && ratio <= target ? 0 : 1;
}

/** @returns how many checks failed. */
async function oneRound(runtime: Runtime, times: Times, keep: boolean): Promise<number> {
  let failed = 0;
  await runApart({ caller: "docker", runtime: runtime.path, crictl: "", load: containers }, keep, (result) => {
    const time = /^(\d+\.\d+) s, (\d+\.\d+) s of CPU$/.exec(result.name);
    if (time !== null) {
      times.wall.push(Number(time[1]));
      times.cpu.push(Number(time[2]));
      console.error(`${runtime.name}: ${result.name}`);
    }
    if (result.ok) return;
    failed++;
    console.log(`FAIL ${runtime.name}: ${result.name}: ${result.why}`);
  });
  return failed;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
