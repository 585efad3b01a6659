import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cgroupMounts } from "../machine/cgroup-hierarchies.ts";
import { stopOnSignal } from "../machine/interruption.ts";
import { type Runtime, repository, runtimeUnderTest, versionOf } from "../machine/runtimes.ts";
import { failuresOf, type Row, resultLines, rowsOf, summaryLines, verdictOf } from "./comparison.ts";
import { runFile } from "./run-file.ts";
import { copySuite, type Suite } from "./suite.ts";
import { readTap } from "./tap.ts";

/** What was printed, a file for each .bats file, caller and runtime. */
const logs = join(repository, "build/bats/logs");

const callers = ["root", "rootless"] as const;
type Caller = (typeof callers)[number];

/**
 * Runs runc's own integration tests, from a checkout of runc, against the runtime and, with --peer, against a runc of the same version.
 *
 * @returns 1 when the runtime does not pass a test that the peer passes (without a peer: when it fails one), else 0
 */
export async function bats(args: string[]): Promise<number> {
  const options = parsed(args);
  if (process.getuid?.() !== 0) throw new Error("runc's tests want root");
  refuseForeignCgroups();
  const goOn = stopOnSignal();
  const scratch = mkdtempSync(join(tmpdir(), "bats-"));
  // Containers of unprivileged users have to get through to their root filesystem.
  chmodSync(scratch, 0o711);
  try {
    const suite = await copySuite(options.source, join(scratch, "suite"));
    const runtimes = [runtimeUnderTest(options.runtime), ...(options.peer ? [runtimeUnderTest(options.peer)] : [])];
    const copies = runtimes.map((runtime, index) => copied(runtime, join(scratch, `runtime${index}`)));
    const rows = await runAll(suite, copies, options, scratch, goOn);
    report(rows, runtimes);
    if (options.table !== undefined) writeFileSync(options.table, tableOf(rows, runtimes));
    return failuresOf(rows).length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

interface Options {
  source?: string;
  peer?: string;
  "kept-peer"?: boolean;
  runtime?: string;
  only?: string[];
  filter?: string;
  as?: string;
  table?: string;
}

function parsed(args: string[]): Options {
  const text = { type: "string" } as const;
  const only = { type: "string", multiple: true } as const;
  const options = { source: text, peer: text, runtime: text, only, filter: text, as: text, table: text };
  const kept = { type: "boolean" } as const;
  const { values } = parseArgs({ args, options: { ...options, "kept-peer": kept } });
  if (values.as !== undefined && !callers.includes(values.as as Caller))
    throw new Error(`--as: ${callers.join(" or ")}`);
  return values;
}

/** Somebody may build a runtime meanwhile, and unprivileged users must be able to run it. */
function copied(runtime: Runtime, directory: string): Runtime {
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  const path = join(directory, runtime.name);
  copyFileSync(runtime.path, path);
  chmodSync(path, 0o755);
  return { name: runtime.name, path };
}

async function runAll(
  suite: Suite,
  runtimes: readonly Runtime[],
  options: Options,
  scratch: string,
  goOn: () => void,
): Promise<Row[]> {
  const files = options.only ?? suite.files;
  for (const file of files)
    if (!suite.files.includes(file)) throw new Error(`no ${file}; there are ${suite.files.join(" ")}`);
  mkdirSync(logs, { recursive: true });
  const rows: Row[] = [];
  for (const caller of callers.filter((each) => options.as === undefined || each === options.as)) {
    for (const file of files) {
      const runs = [];
      for (const runtime of runtimes) {
        goOn();
        const log = join(logs, `${file}.${caller}.${runtime.name}.log`);
        if (runtime === runtimes[0] || options["kept-peer"] !== true || !existsSync(log)) {
          writeFileSync(log, await runFile(suite, file, runtime, caller, scratch, options.filter));
        }
        runs.push(readTap(readFileSync(log, "utf8")));
      }
      const mine = rowsOf(file, runs);
      rows.push(...mine);
      tell(file, caller, mine, runtimes);
    }
  }
  return rows;
}

function tell(file: string, caller: Caller, rows: readonly Row[], runtimes: readonly Runtime[]): void {
  const counts = runtimes.map(({ name }, index) => {
    const passed = rows.filter(({ results }) => results[index]?.outcome === "pass").length;
    return `${name}: ${passed} of ${rows.length}`;
  });
  console.error(`${file} as ${caller}  ${counts.join("; ")}`);
}

/** @throws when a cgroup that the tests use is there already: somebody else's run, or what one left behind. */
function refuseForeignCgroups(): void {
  for (const mount of cgroupMounts()) {
    const name = join(mount, "runc-cgroups-integration-test");
    if (existsSync(name)) throw new Error(`${name} exists: is another run under way?`);
  }
}

function report(rows: readonly Row[], runtimes: readonly Runtime[]): void {
  const names = runtimes.map(({ name }) => name);
  console.log(summaryLines(rows, names).join("\n"));
  for (const runtime of runtimes) console.log(`\n${runtime.name}: ${versionOf(runtime)}`);
  for (const { file, caller, test, results } of failuresOf(rows)) {
    console.log(`\n${file} as ${caller}: ${test}: ${results.map(verdictOf).join(", peer: ")}`);
    const reason = results[0]?.reason.trimEnd() ?? "";
    if (reason !== "") console.log(`  ${reason.split("\n").join("\n  ")}`);
  }
  console.log(`\nwhat was printed is in ${logs}`);
}

function tableOf(rows: readonly Row[], runtimes: readonly Runtime[]): string {
  const names = runtimes.map(({ name }) => name);
  const versions = runtimes.map((runtime) => `${runtime.name}: ${versionOf(runtime)}`);
  const head = [
    "# runc's integration tests, one by one",
    "",
    versions.join("; "),
    "",
    ...summaryLines(rows, names),
    "",
  ];
  return [...head, ...resultLines(rows, names)].join("\n");
}
