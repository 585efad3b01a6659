import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, defaultConfig, seccompFilter, writeBundle } from "../machine/bundles.ts";
import { makeCgroups, removeCgroups } from "../machine/cgroup-hierarchies.ts";
import { stopOnSignal } from "../machine/interruption.ts";
import { letCrunRun } from "../machine/missing-hierarchies.ts";
import { runBounded } from "../machine/run-bounded.ts";
import { type Runtime, runtimeUnderTest, versionOf } from "../machine/runtimes.ts";
import { tableLines } from "../machine/table.ts";
import { type Census, differences, type Grounds, isZombie, machineCensus, ownCensus } from "./census.ts";

/** A command that takes longer hangs. */
const limitMs = 10_000;
/** So many failures and the rest is not tried: a thing that is broken throughout should end soon. */
const enoughFailures = 10;

/** One container from beginning to end. @returns what went wrong, or nothing */
type Life = (id: string) => Promise<string | undefined>;

/**
 * Runs `count` containers to their end, then takes `count` through create, start, kill and delete, with a seccomp filter and
 * a memory limit, and compares what there is before and after.
 *
 * @returns 1 when a command failed or hung, or when anything was left behind
 */
export async function soak(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { count: { type: "string", default: "10000" }, runtime: { type: "string" }, json: { type: "string" } },
  });
  const count = Number(values.count);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`--count ${values.count} is not a positive number`);
  const runtime = runtimeUnderTest(values.runtime);
  const undo = runtime.name === "crun" ? letCrunRun() : async () => {};
  const scratch = mkdtempSync(join(tmpdir(), "soak-"));
  const grounds: Grounds = { scratch, cgroup: `soak-${process.pid}`, mark: `SOAK_${process.pid}` };
  try {
    makeCgroups(grounds.cgroup);
    return await compare(runtime, grounds, count, values.json);
  } finally {
    await removeCgroups(grounds.cgroup);
    await undo();
    rmSync(scratch, { recursive: true });
  }
}

async function compare(runtime: Runtime, grounds: Grounds, count: number, json?: string): Promise<number> {
  const lives = prepare(runtime, grounds);
  // One of each beforehand: what exists once, like the state directory, is not a leak.
  for (const [name, life] of lives) await life(`first-${name.replaceAll(" ", "-")}`);
  const own = ownCensus(grounds);
  const machine = machineCensus();

  const failures: string[] = [];
  const goOn = stopOnSignal();
  for (const [name, life] of lives) {
    const began = performance.now();
    const done = await repeat(life, count, failures, goOn);
    const seconds = (performance.now() - began) / 1000;
    console.error(
      `${name}: ${done} containers in ${seconds.toFixed(0)} s, ${((seconds / done) * 1000).toFixed(1)} ms each`,
    );
  }

  const ownAfter = await settled(grounds, own);
  const machineAfter = machineCensus();
  const left = [
    ...differences(own, ownAfter),
    // One for fifty containers: a leak is at least one for one.
    ...differences(machine, machineAfter, Math.max(64, count / 50)),
  ];
  const rows = [...own, ...machine].map(([name, before]) => {
    const after = ownAfter.get(name) ?? machineAfter.get(name)!;
    return [name, String(before), String(after), left.includes(name) ? "LEFT BEHIND" : ""];
  });
  console.log(tableLines([versionOf(runtime), "before", "after", ""], rows).join("\n"));
  for (const failure of failures) console.log(`failed: ${failure}`);
  if (json !== undefined) {
    writeFileSync(
      json,
      `${JSON.stringify({ count, failures, left, counts: rows.map((row) => row.slice(0, 3)) }, null, 2)}\n`,
    );
  }
  return failures.length > 0 || left.length > 0 ? 1 : 0;
}

/** @returns the number of containers that were tried */
async function repeat(life: Life, count: number, failures: string[], goOn: () => void): Promise<number> {
  for (let index = 0; index < count; index++) {
    goOn();
    const failure = await life(`soak-${index}`);
    if (failure === undefined) continue;
    failures.push(`container ${index}: ${failure}`);
    if (failures.length >= enoughFailures) return index + 1;
  }
  return count;
}

function prepare(runtime: Runtime, { scratch, cgroup, mark }: Grounds): ReadonlyMap<string, Life> {
  mkdirSync(join(scratch, "tmp"));
  const env = { PATH: process.env.PATH, TMPDIR: join(scratch, "tmp"), [mark]: "1" };
  const bundle = (name: string, args: string[]) => {
    writeBundle(join(scratch, name), soakConfig(args, `/${cgroup}/${name}`, mark));
    return join(scratch, name);
  };
  const short = bundle("short", ["true"]);
  const long = bundle("long", ["sleep", "1000"]);
  const pidFile = join(scratch, "pid");

  const call = async (...args: string[]): Promise<string | undefined> => {
    const run = await runBounded([runtime.path, "--root", join(scratch, "state"), ...args], { limitMs, env });
    if (run.timedOut) return `${args[0]} hangs`;
    return run.exitCode === 0
      ? undefined
      : `${args[0]} ended with ${run.exitCode}: ${run.stderr.trim() || run.stdout.trim()}`;
  };
  return new Map<string, Life>([
    ["run", (id) => call("run", "--bundle", short, id)],
    [
      "create start kill delete",
      async (id) =>
        (await call("create", "--bundle", long, "--pid-file", pidFile, id)) ??
        (await call("start", id)) ??
        (await call("kill", id, "KILL")) ??
        (await ended(Number(readFileSync(pidFile, "utf8")))) ??
        (await call("delete", id)),
    ],
  ]);
}

function soakConfig(args: string[], cgroupsPath: string, mark: string): Config {
  const config = defaultConfig(args, cgroupsPath);
  config.process.env.push(`${mark}=1`);
  config.linux.seccomp = seccompFilter();
  config.linux.resources = { ...config.linux.resources, memory: { limit: 16 * 1024 * 1024 } };
  return config;
}

/** Waits for the end of a killed process: delete refuses one that still runs. */
async function ended(pid: number): Promise<string | undefined> {
  const deadline = Date.now() + limitMs;
  while (!isZombie(pid)) {
    if (Date.now() > deadline) return `process ${pid} lives on after kill`;
    await Bun.sleep(1);
  }
  return undefined;
}

/** The kernel takes a moment to let go: looks again for up to 5 s before it calls a difference one. */
async function settled(grounds: Grounds, before: Census): Promise<Census> {
  let after = ownCensus(grounds);
  for (let attempt = 0; attempt < 50 && differences(before, after).length > 0; attempt++) {
    await Bun.sleep(100);
    after = ownCensus(grounds);
  }
  return after;
}
