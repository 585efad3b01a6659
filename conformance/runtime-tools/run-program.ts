import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupMounts, makeCgroups, removeCgroups } from "../machine/cgroup-hierarchies.ts";
import { type BoundedRun, runBounded } from "../machine/run-bounded.ts";
import type { Runtime } from "../machine/runtimes.ts";
import type { Programs } from "./build-programs.ts";
import { parseTap } from "./tap.ts";

/** The slowest program sleeps for about 20 s. */
const limitMs = 60_000;

export interface ProgramResult {
  /** It ended by itself with 0, no point failed, and without points it told no error. */
  readonly ok: boolean;
  /** For a table: "ok", "ok, 3 skipped", "2 of 14 not ok", "error", "exit 1", "time limit". */
  readonly verdict: string;
  /** The points that failed, the errors it told, and its last words when it died. */
  readonly reasons: readonly string[];
  readonly seconds: number;
  /** The end of all it wrote, unless it was ok. */
  readonly output?: string;
}

/** What the programs' cgroupsPath begins with: absolute in some, in others relative, which all three runtimes take for the same. */
const askedFor = ["cgrouptest", "testdir"];

/**
 * Runs one validation program against one runtime, apart from everything else: a scratch directory as working and temporary
 * directory, the runtime's state below it, and a cgroup of its own in each hierarchy, below which containers without
 * a cgroupsPath land. Afterwards what the program left behind is removed.
 *
 * The programs that ask for a cgroup all ask for the same: one run at a time.
 */
export async function runProgram(programs: Programs, name: string, runtime: Runtime): Promise<ProgramResult> {
  const scratch = mkdtempSync(join(tmpdir(), "runtime-tools-"));
  const cgroup = `conformance-${process.pid}`;
  try {
    const cgroups = makeCgroups(cgroup);
    const wrapper = prepare(scratch, programs, runtime);
    const enter = cgroups.map((directory) => `echo $$ > ${directory}/cgroup.procs`).join(" && ");
    const run = await runBounded(["/bin/sh", "-c", `${enter} && exec "$0"`, join(programs.directory, name)], {
      limitMs,
      cwd: join(scratch, "work"),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: join(scratch, "tmp"), RUNTIME: wrapper },
    });
    return judge(run);
  } finally {
    await deleteContainers(runtime, join(scratch, "state"));
    await removeCgroups(cgroup);
    for (const asked of askedFor) await removeCgroups(asked);
    unmountBelow(scratch);
    rmSync(scratch, { recursive: true });
  }
}

/** @throws when a cgroup that the programs use is there already: somebody else's run, or what one left behind. */
export function refuseForeignCgroups(): void {
  for (const mount of cgroupMounts()) {
    const found = askedFor.find((asked) => readdirSync(mount).includes(asked));
    if (found !== undefined) throw new Error(`${mount}/${found} exists: is another run under way?`);
  }
}

function prepare(scratch: string, programs: Programs, runtime: Runtime): string {
  // Containers of unprivileged users have to get through to their root filesystem.
  chmodSync(scratch, 0o711);
  for (const name of ["work", "tmp", "state"]) mkdirSync(join(scratch, name), { mode: 0o711 });
  for (const name of readdirSync(programs.directory)) {
    if (name === "runtimetest" || name.startsWith("rootfs-")) {
      place(join(programs.directory, name), join(scratch, "work", name));
    }
  }
  const wrapper = join(scratch, "runtime");
  writeFileSync(wrapper, `#!/bin/sh\nexec '${runtime.path}' --root '${join(scratch, "state")}' "$@"\n`, {
    mode: 0o755,
  });
  return wrapper;
}

function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    copyFileSync(from, to);
  }
}

function judge(run: BoundedRun): ProgramResult {
  const { passed, skipped, failed, errors } = parseTap(run.stdout);
  const points = passed + skipped + failed.length;
  const verdict = verdictOf(run, failed.length, points, skipped, points === 0 ? errors.length : 0);
  const ok = verdict.startsWith("ok");
  // A program that makes points says in them what failed; the others in a block, or as their last words.
  const said = failed.length > 0 ? failed : errors;
  const reasons = run.exitCode === 0 ? said : [...said, ...run.stderr.trim().split("\n").slice(-5)];
  const output = ok ? undefined : `${run.stdout}\n${run.stderr}`.slice(-20_000);
  return { ok, verdict, reasons: ok ? [] : reasons, seconds: run.seconds, output };
}

function verdictOf(run: BoundedRun, failed: number, points: number, skipped: number, errors: number): string {
  if (run.timedOut) return "time limit";
  if (run.exitCode !== 0) return run.exitCode === null ? "killed" : `exit ${run.exitCode}`;
  if (failed > 0) return `${failed} of ${points} not ok`;
  if (errors > 0) return "error";
  return skipped > 0 ? `ok, ${skipped} skipped` : "ok";
}

async function deleteContainers(runtime: Runtime, state: string): Promise<void> {
  for (const id of readdirSync(state)) {
    await runBounded([runtime.path, "--root", state, "delete", "--force", id], { limitMs: 10_000 });
  }
}

function unmountBelow(directory: string): void {
  const points = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of points.reverse()) Bun.spawnSync(["umount", "-l", point]);
}
