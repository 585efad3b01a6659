import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCgroups, removeCgroups } from "../machine/cgroup-hierarchies.ts";
import { type BoundedRun, runBounded } from "../machine/run-bounded.ts";
import type { Runtime } from "../machine/runtimes.ts";
import { endStuckTests } from "./end-stuck-tests.ts";
import type { Suite } from "./suite.ts";

/** A test that is silent for so long is ended. Migrating lazily and updating every limit take about 20 s. */
const testLimitSeconds = 120;
/** For a whole file: when even bats, which waits for what holds its pipe, does not come back. */
const fileLimitMs = 10 * 60_000;

/** Clones a repository, so it has the machine's network; everything else has its own. */
const wantsInternet = "spec.bats";

/** The file in the temporary directory that takes what bats prints: through the terminal it would be mangled. */
const printed = "printed";

/**
 * Runs one .bats file against one runtime, in namespaces and below cgroups of its own, as root or through runc's rootless.sh. What the
 * tests leave behind is gone afterwards.
 *
 * @returns all that was printed.
 * @param scratch a directory that all users may pass through; emptied of what this run put there
 */
export async function runFile(
  suite: Suite,
  file: string,
  runtime: Runtime,
  as: "root" | "rootless",
  scratch: string,
  filter: string | undefined,
): Promise<string> {
  const cgroup = `conformance-${process.pid}`;
  const temporary = join(scratch, "tmp");
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  putBats(join(scratch, "bin"));
  try {
    const cgroups = makeCgroups(cgroup);
    const enter = cgroups.map((directory) => `echo $$ > ${directory}/cgroup.procs`).join(" && ");
    const output = join(temporary, printed);
    const endWatch = endStuckTests(output, cgroups[0]!, testLimitSeconds);
    const command = ["/bin/sh", "-c", `${enter} && exec "$@"`, "sh", ...inside(suite, file, as, scratch)];
    const env = environment(runtime, as, file, scratch, filter);
    const run = await runBounded(command, { limitMs: fileLimitMs, cwd: suite.directory, env }).finally(endWatch);
    const tap = existsSync(output) ? readFileSync(output, "utf8") : "";
    return `${tap}\n${logOf(run)}`;
  } finally {
    await removeCgroups(cgroup);
    await removeCgroups("runc-cgroups-integration-test");
    for (const directory of [temporary, join(scratch, "layers"), join(scratch, "home")]) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** bats with our filter, and without an exit status: rootless.sh would not go on to its next features after a failure. */
function putBats(directory: string): void {
  const bats = Bun.which("bats");
  if (bats === null) throw new Error("no bats: apt-get install bats");
  mkdirSync(directory, { recursive: true });
  const lines = ["#!/bin/sh", `${bats} \${FILTER:+-f "$FILTER"} "$@" || true`, ""];
  writeFileSync(join(directory, "bats"), lines.join("\n"), { mode: 0o755 });
}

function inside(suite: Suite, file: string, as: "root" | "rootless", scratch: string): string[] {
  const network = file === wantsInternet ? [] : ["--net"];
  const unshare = ["unshare", "--mount", "--pid", ...network, "--fork", "--kill-child", "--mount-proc"];
  const tests = join(suite.directory, "tests");
  const command = as === "root" ? `bats -t ${tests}/integration/${file}` : `${tests}/rootless.sh`;
  // Containers with a terminal want /dev/tty, which script(1) makes.
  const onTerminal = [
    "script",
    "--quiet",
    "--return",
    "--command",
    `${command} >${join(scratch, "tmp", printed)} 2>&1`,
  ];
  return [...unshare, "/bin/sh", join(import.meta.dir, "own-namespaces.sh"), scratch, ...onTerminal, "/dev/null"];
}

function environment(runtime: Runtime, as: string, file: string, scratch: string, filter: string | undefined) {
  return {
    PATH: `${join(scratch, "bin")}:${process.env.PATH}`,
    HOME: as === "root" ? process.env.HOME : join(scratch, "home"),
    TMPDIR: join(scratch, "tmp"),
    RUNC: runtime.path,
    ROOTLESS_TESTPATH: `/${file}`,
    OWN_NETWORK: file === wantsInternet ? undefined : "1",
    FILTER: filter,
  };
}

function logOf(run: BoundedRun): string {
  const end = run.timedOut ? `ended after ${fileLimitMs / 60_000} minutes` : `exit status ${run.exitCode}`;
  return `${run.stdout}\n${run.stderr}\n${end}, ${Math.round(run.seconds)} s\n`;
}
