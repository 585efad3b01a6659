import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { stopOnSignal } from "../machine/interruption.ts";
import { mountMissing } from "../machine/missing-hierarchies.ts";
import { peersOf, type Runtime, runtimeUnderTest, versionOf } from "../machine/runtimes.ts";
import { tableLines } from "../machine/table.ts";
import { buildPrograms, builtPrograms, type Programs } from "./build-programs.ts";
import { type ProgramResult, refuseForeignCgroups, runProgram } from "./run-program.ts";

/**
 * Programs that ask for what the specification no longer says. They were written for 1.0.2, which had a failing poststart hook
 * be a warning; since 1.3.0 it is an error that stops the container (runtime.md, Lifecycle 9), as runc always had it.
 */
const superseded = ["poststart_fail"];

/** Program → runtime → result. */
type Results = Map<string, Map<string, ProgramResult>>;

/**
 * Runs the validation programs against the runtime and its peers.
 *
 * @returns 1 when the runtime fails a program that a peer passes (or, without peers, any program), else 0. A program that the
 * specification has left behind does not count.
 */
export async function runtimeTools(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", multiple: true },
      runtime: { type: "string" },
      json: { type: "string" },
      "no-peers": { type: "boolean" },
      programs: { type: "string" },
    },
  });
  if (process.getuid?.() !== 0) throw new Error("the validation programs want root");
  const judged = runtimeUnderTest(values.runtime);
  const runtimes = [judged, ...(values["no-peers"] ? [] : peersOf(judged))];
  const programs = values.programs === undefined ? buildPrograms() : builtPrograms(values.programs);
  const names = chosen(programs, values.only);
  refuseForeignCgroups();

  const { controllers, undo } = mountMissing(["hugetlb", "net_cls", "net_prio"]);
  if (controllers.length > 0) console.error(`${controllers.join(", ")} are mounted meanwhile: programs ask for them`);
  let results: Results;
  try {
    results = await runAll(programs, names, runtimes);
  } finally {
    await undo();
  }
  report(results, runtimes, judged);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(asJson(results, runtimes), null, 2)}\n`);
  return behindPeers(results, judged).length === 0 ? 0 : 1;
}

function chosen(programs: Programs, only: readonly string[] | undefined): readonly string[] {
  for (const name of only ?? []) {
    if (!programs.names.includes(name)) throw new Error(`no program ${name}; there are ${programs.names.join(" ")}`);
  }
  return only ?? programs.names;
}

async function runAll(programs: Programs, names: readonly string[], runtimes: readonly Runtime[]): Promise<Results> {
  const results: Results = new Map();
  const goOn = stopOnSignal();
  for (const [index, name] of names.entries()) {
    const row = new Map<string, ProgramResult>();
    for (const runtime of runtimes) {
      goOn();
      row.set(runtime.name, await runProgram(programs, name, runtime));
    }
    results.set(name, row);
    const cells = runtimes.map((runtime) => `${runtime.name}: ${row.get(runtime.name)!.verdict}`);
    console.error(`${index + 1}/${names.length} ${name}  ${cells.join("; ")}`);
  }
  return results;
}

function behindPeers(results: Results, judged: Runtime): string[] {
  return [...results].flatMap(([name, row]) => {
    const peers = [...row].filter(([runtime]) => runtime !== judged.name);
    const expected = peers.length === 0 || peers.some(([, result]) => result.ok);
    return expected && !superseded.includes(name) && !row.get(judged.name)!.ok ? [name] : [];
  });
}

function report(results: Results, runtimes: readonly Runtime[], judged: Runtime): void {
  const rows = [...results].map(([name, row]) => [name, ...runtimes.map((each) => row.get(each.name)!.verdict)]);
  const passed = (runtime: Runtime) => [...results.values()].filter((row) => row.get(runtime.name)!.ok).length;
  rows.push(["passed", ...runtimes.map((each) => `${passed(each)} of ${results.size}`)]);
  console.log(tableLines(["program", ...runtimes.map((each) => each.name)], rows).join("\n"));
  for (const runtime of runtimes) console.log(`\n${runtime.name}: ${versionOf(runtime)}`);
  for (const [name, row] of results) {
    const result = row.get(judged.name)!;
    if (!result.ok) console.log(`\n${name}: ${result.verdict}\n  ${result.reasons.join("\n  ")}`);
  }
  const behind = behindPeers(results, judged);
  const expected = runtimes.length > 1 ? " what a peer passes" : "";
  if (behind.length > 0) console.log(`\n${judged.name} fails${expected}: ${behind.join(" ")}`);
}

function asJson(results: Results, runtimes: readonly Runtime[]) {
  return {
    runtimes: runtimes.map((each) => ({ ...each, version: versionOf(each) })),
    programs: Object.fromEntries([...results].map(([name, row]) => [name, Object.fromEntries(row)])),
  };
}
