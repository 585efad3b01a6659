import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { stopOnSignal } from "../machine/interruption.ts";
import { peersOf, type Runtime, repository, runtimeUnderTest, versionOf } from "../machine/runtimes.ts";
import { runApart } from "./apart.ts";
import { callers } from "./callers.ts";
import type { CheckResult } from "./check.ts";
import { buildCrictl } from "./cri/build-crictl.ts";
import { measureLoad } from "./load.ts";
import { behind, lineOf, type Results, verdict } from "./verdicts.ts";

/**
 * Lets container engines use the runtime and, beside it, runc.
 *
 * @returns 1 when a check passes with runc and fails with the runtime, or a target of the load is missed; else 0.
 */
export async function callersSuite(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", multiple: true },
      runtime: { type: "string" },
      peer: { type: "string" },
      "no-peers": { type: "boolean" },
      load: { type: "boolean" },
      json: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  if (process.getuid?.() !== 0) throw new Error("engines and their namespaces want root");
  const judged = runtimeUnderTest(values.runtime);
  const peers = values["no-peers"] ? [] : chosenPeers(judged, values.peer);
  const names = chosenCallers(values.only);
  provide(names);
  for (const runtime of [judged, ...peers]) console.log(`${runtime.name}: ${runtime.path}, ${versionOf(runtime)}`);
  const goOn = stopOnSignal();
  if (values.load) return measureLoad(judged, peers[0], values.keep, goOn);

  const all: Record<string, Results> = {};
  let failed = 0;
  for (const name of names) {
    const results = await runCaller(name, [judged, ...peers], values.keep, goOn);
    all[name] = results;
    failed += report(name, results, judged, peers);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(asJson(all), null, 2)}\n`);
  return failed === 0 ? 0 : 1;
}

/** runc alone: what these engines say depends on its words, which crun does not have. */
function chosenPeers(judged: Runtime, given: string | undefined): Runtime[] {
  if (given === undefined) return peersOf(judged).filter((peer) => peer.name === "runc");
  return [{ name: judged.name === "runc" ? "peer" : "runc", path: resolve(given) }];
}

function chosenCallers(only: readonly string[] | undefined): string[] {
  for (const name of only ?? []) {
    if (callers[name] === undefined) throw new Error(`no caller ${name}; there are ${Object.keys(callers).join(" ")}`);
  }
  return [...(only ?? Object.keys(callers))];
}

function provide(names: readonly string[]): void {
  const needs = names.map((name) => `callers-${name}`);
  const done = Bun.spawnSync(["bash", `${repository}/scripts/needs.sh`, ...needs], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (done.exitCode !== 0) throw new Error(`not everything that ${names.join(", ")} want is there`);
}

async function runCaller(
  name: string,
  runtimes: readonly Runtime[],
  keep: boolean,
  goOn: () => void,
): Promise<Results> {
  const results: Results = new Map();
  const crictl = name === "cri" ? buildCrictl() : "";
  // The peer first: its checks say in which order the lines stand.
  for (const runtime of [...runtimes].reverse()) {
    goOn();
    const began = performance.now();
    let bad = 0;
    const take = (result: CheckResult) => {
      if (!results.has(result.name)) results.set(result.name, new Map());
      results.get(result.name)!.set(runtime.name, result);
      if (verdict(result) === "FAIL") bad++;
    };
    const end = { name: "all checks were reached", machine: "" };
    try {
      await runApart({ caller: name, runtime: runtime.path, crictl, load: 0 }, keep, take);
      take({ ...end, ok: true, why: "" });
    } catch (error) {
      take({ ...end, ok: false, why: (error as Error).message });
    }
    goOn();
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.error(`${name}: ${results.size} checks with ${runtime.name} in ${seconds} s, ${bad} failed`);
  }
  return results;
}

function report(caller: string, results: Results, judged: Runtime, peers: readonly Runtime[]): number {
  const names = [judged, ...peers].map((runtime) => runtime.name);
  console.log(`\n${caller}: ${callers[caller]!.about}\n  ${names.map((name) => name.padEnd(7)).join(" | ")}`);
  for (const [name, row] of results) console.log(lineOf(name, row, names));
  for (const [name, row] of results) {
    for (const runtime of names) {
      if (verdict(row.get(runtime)) === "FAIL") console.log(`\n${name}, ${runtime}: ${row.get(runtime)!.why}`);
    }
  }
  const late = behind(
    results,
    judged.name,
    peers.map((peer) => peer.name),
  );
  const passed = names.map((name) => `${name} ${[...results.values()].filter((row) => row.get(name)?.ok).length}`);
  console.log(`\n${caller}: of ${results.size} checks pass ${passed.join(", ")}`);
  if (late.length > 0) console.log(`${judged.name} fails what it has to pass: ${late.join("; ")}`);
  return late.length;
}

function asJson(all: Record<string, Results>) {
  return Object.fromEntries(
    Object.entries(all).map(([caller, results]) => [
      caller,
      Object.fromEntries([...results].map(([name, row]) => [name, Object.fromEntries(row)])),
    ]),
  );
}
