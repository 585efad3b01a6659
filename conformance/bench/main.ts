/** `npm run bench`: runts, runc and crun side by side, on the same bundle, in one run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, defaultConfig, fullConfig, writeBundle } from "../machine/bundles.ts";
import { removeCgroups } from "../machine/cgroup-hierarchies.ts";
import { stopOnSignal } from "../machine/interruption.ts";
import { letCrunRun } from "../machine/missing-hierarchies.ts";
import { runBounded } from "../machine/run-bounded.ts";
import { peersOf, type Runtime, runtimeUnderTest, versionOf } from "../machine/runtimes.ts";
import { tableLines } from "../machine/table.ts";
import { type Contest, race } from "./hyperfine.ts";
import { peakOf, smallestLimit } from "./memory.ts";
import { isMissed, targetLine, targets } from "./targets.ts";

/** What was measured → runtime → milliseconds or bytes. */
export type Measurements = Map<string, Map<string, number>>;

const limitMs = 10_000;

/** Where a runtime works: its state, and a bundle of its own for each kind, alike but for the cgroup. */
interface Stand {
  readonly runtime: Runtime;
  /** A copy of its own, see {@link install}. */
  readonly executable: string;
  readonly command: string;
  readonly plain: string;
  readonly full: string;
  readonly small: string;
  /** Its program does not end. */
  readonly stays: string;
  readonly smallConfig: Config;
}

async function bench(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "6" },
      runs: { type: "string", default: "20" },
      runtime: { type: "string" },
      json: { type: "string" },
    },
  });
  const rounds = positive("--rounds", values.rounds);
  const runs = positive("--runs", values.runs);
  const judged = runtimeUnderTest(values.runtime);
  const runtimes = [judged, ...peersOf(judged)];
  const scratch = mkdtempSync(join(tmpdir(), "bench-"));
  const cgroup = `bench-${process.pid}`;
  const undo = runtimes.some((each) => each.name === "crun") ? letCrunRun() : async () => {};
  try {
    const stands = runtimes.map((runtime) => prepare(runtime, scratch, cgroup));
    const measured = await measureAll(stands, rounds, runs, scratch);
    return report(measured, runtimes, judged, values.json);
  } finally {
    await removeCgroups(cgroup);
    await undo();
    rmSync(scratch, { recursive: true });
  }
}

function positive(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${flag} ${text} is not a positive number`);
  return number;
}

function prepare(runtime: Runtime, scratch: string, cgroup: string): Stand {
  const place = join(scratch, runtime.name);
  mkdirSync(place);
  const bundle = (kind: string, make: typeof defaultConfig, program = ["true"]) => {
    const config = make(program, `/${cgroup}/${runtime.name}-${kind}`);
    writeBundle(join(place, kind), config);
    return config;
  };
  bundle("plain", defaultConfig);
  bundle("full", fullConfig);
  const smallConfig = bundle("small", defaultConfig);
  bundle("stays", defaultConfig, ["sleep", "1000000"]);
  const [plain, full, small, stays] = ["plain", "full", "small", "stays"].map((kind) => join(place, kind)) as [
    string,
    string,
    string,
    string,
  ];
  const executable = join(place, basename(runtime.path));
  return {
    runtime,
    executable,
    command: `${executable} --root ${join(place, "state")}`,
    plain,
    full,
    small,
    stays,
    smallConfig,
  };
}

/**
 * As freshly installed, for every contest: what of a large executable is still in memory, and in which pieces, depends on what else
 * the machine has done, and is a millisecond of its start.
 */
function install({ runtime, executable }: Stand): void {
  rmSync(executable, { force: true });
  writeFileSync(executable, readFileSync(runtime.path), { mode: 0o755 });
}

async function measureAll(stands: readonly Stand[], rounds: number, runs: number, scratch: string) {
  const measured: Measurements = new Map();
  const goOn = stopOnSignal();
  const contest = (action: string, command: (stand: Stand) => string, pause?: number): Contest => ({
    action,
    commands: new Map(stands.map((stand) => [stand.runtime.name, command(stand)])),
    pause,
  });
  const hold = (contest: Contest) => {
    goOn();
    for (const stand of stands) install(stand);
    console.error(`measuring ${contest.action}: ${rounds} rounds of ${runs}`);
    measured.set(contest.action, race(contest, rounds, runs, scratch));
  };

  hold(contest("run", ({ command, plain }) => `${command} run --bundle ${plain} b`));
  hold(contest("run, nearly everything", ({ command, full }) => `${command} run --bundle ${full} b`));
  const inTurn = ({ command, plain }: Stand) => {
    const script = `${command} create --bundle ${plain} b && ${command} start b && ${command} delete --force b`;
    return `sh -c '${script}'`;
  };
  hold(contest("create, start, delete", inTurn));
  // As people do it, one now and then. A runtime that moves another process into a cgroup of version 1 waits for every processor then,
  // which it does not when somebody has just done so.
  hold(contest("run, after a pause", ({ command, plain }) => `${command} run --bundle ${plain} b`, 0.1));
  hold(contest("create, start, delete, after a pause", inTurn, 0.1));
  for (const { command, plain } of stands) await must(`${command} create --bundle ${plain} held`);
  hold(contest("state", ({ command }) => `${command} state held`));
  for (const { command } of stands) await must(`${command} delete --force held`);
  for (const { command, stays } of stands) await must(`${command} run --detach --bundle ${stays} stays`);
  hold(contest("exec", ({ command }) => `${command} exec stays true`));
  for (const { command } of stands) await must(`${command} delete --force stays`);

  const peaks = new Map<string, number>();
  const limits = new Map<string, number>();
  for (const { runtime, command, plain, small, smallConfig } of stands) {
    // Of the executable where it is: in a fresh copy, whose pages lie in large pieces, a fault maps more of it than is used.
    const installed = command.replace(/^\S+/, runtime.path);
    peaks.set(runtime.name, await peakOf(`${installed} run --bundle ${plain} b`.split(" "), scratch));
    goOn();
    console.error(`looking for the smallest memory limit of ${runtime.name}`);
    const run = () => runBounded(`${command} run --bundle ${small} b`.split(" "), { limitMs });
    limits.set(runtime.name, await smallestLimit(small, smallConfig, run));
  }
  measured.set("peak memory of run", peaks);
  measured.set("smallest memory limit", limits);
  return measured;
}

async function must(command: string): Promise<void> {
  const run = await runBounded(command.split(" "), { limitMs });
  if (run.exitCode !== 0) throw new Error(`${command} failed: ${run.stderr || run.stdout}`);
}

/** @returns 1 when a target is missed, else 0 */
function report(measured: Measurements, runtimes: readonly Runtime[], judged: Runtime, json?: string): number {
  const [own, ...peers] = runtimes.map((each) => each.name) as [string, ...string[]];
  const rows = [...measured].map(([action, row]) => {
    const ratios = peers.map((peer) => `${(row.get(own)! / row.get(peer)!).toFixed(2)}`);
    return [action, ...[own, ...peers].map((name) => shown(action, row.get(name)!)), ...ratios];
  });
  const header = ["", own, ...peers, ...peers.map((peer) => `${own} / ${peer}`)];
  console.log(tableLines(header, rows).join("\n"));
  for (const runtime of runtimes) console.log(`\n${runtime.name}: ${versionOf(runtime)}`);
  console.log("");
  const goals = targets(measured, judged.name);
  for (const goal of goals) console.log(targetLine(goal));
  if (json !== undefined) {
    const plain = Object.fromEntries([...measured].map(([action, row]) => [action, Object.fromEntries(row)]));
    writeFileSync(json, `${JSON.stringify({ measured: plain, targets: goals }, null, 2)}\n`);
  }
  return goals.some(isMissed) ? 1 : 0;
}

function shown(action: string, value: number): string {
  if (!action.includes("memory")) return `${value.toFixed(1)} ms`;
  return value < 4 * 1024 * 1024 ? `${value / 1024} KiB` : `${(value / 1024 / 1024).toFixed(1)} MiB`;
}

process.exitCode = await bench();
