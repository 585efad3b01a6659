/**
 * Runs inside the machine, as `bun conformance/vm/inside.ts PASS...`: the units of the passes, some at a time. What a unit wrote is
 * shown when it has ended: all of it if a test failed, else its skips. The last lines are those of bun test, for all units together.
 */
import { join } from "node:path";
import { giveOwnSnapshot } from "../machine/own-snapshot.ts";
import { passes, type Unit } from "./passes.ts";

/** One more than processors: tests wait now and then, and time out when there are too many. */
const AT_ONCE = 3;
/** For one unit that says nothing else. */
const LIMIT_MS = 900_000;

const total = { pass: 0, skip: 0, fail: 0 };

const queue = process.argv.slice(2).flatMap((name) => {
  const pass = passes[name];
  if (pass === undefined) throw new Error(`no pass ${name}; there are ${Object.keys(passes).join(", ")}`);
  console.log(`== ${name}: ${pass.about}`);
  return pass.units();
});
const began = performance.now();
giveOwnSnapshot(join(import.meta.dir, "../../bin/runts"));
console.log(`bin/runts has a snapshot of this machine (${Math.round((performance.now() - began) / 1000)} s)`);
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(`\n ${total.pass} pass\n ${total.skip} skip\n ${total.fail} fail`);
console.log(`Ran everything in ${Math.round((performance.now() - began) / 1000)} s, ${AT_ONCE} at a time.`);
process.exitCode = total.fail === 0 ? 0 : 1;

async function work(): Promise<void> {
  for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) await runUnit(unit);
}

async function runUnit({ name, argv, env, limitMs = LIMIT_MS }: Unit): Promise<void> {
  const start = performance.now();
  const child = Bun.spawn([...argv], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const text = stdout + stderr;
  const counts = {
    pass: count(text, "pass"),
    skip: count(text, "skip") + count(text, "todo"),
    fail: count(text, "fail"),
  };
  // What has no summary of bun's counts as one test.
  if (code === 0 && counts.pass + counts.skip === 0) counts.pass = 1;
  // A file that does not load, or does not end, has no summary.
  if (code !== 0 && counts.fail === 0) counts.fail = 1;
  for (const key of ["pass", "skip", "fail"] as const) total[key] += counts[key];
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${name}: ${counts.pass} pass, ${counts.skip} skip, ${counts.fail} fail (${seconds} s)`);
  if (counts.fail > 0) console.log(`${text}\n${name} ended with ${code ?? child.signalCode}`);
}

function count(text: string, word: string): number {
  return Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(text)?.[1] ?? 0);
}
