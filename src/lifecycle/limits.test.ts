import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EPERM } from "../../native-bindings/errno.ts";
import { RuntimeFault } from "../report/fault.ts";
import { applyRlimits } from "./limits.ts";

const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process to set limits on. */
function sleeper(): number {
  const child = Bun.spawn(["sleep", "100"], { stdio: ["ignore", "ignore", "ignore"] });
  children.push(child);
  return child.pid;
}

/** Soft and hard, by the words of proc_pid_limits(5). */
function limitOf(pid: number, words: string): string[] {
  const line = readFileSync(`/proc/${pid}/limits`, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(words));
  return line!.slice(words.length).trim().split(/\s+/).slice(0, 2);
}

test("each limit is set on the process, of 64 bits", () => {
  const pid = sleeper();
  applyRlimits(pid, [
    { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
    { type: "RLIMIT_CORE", soft: 0, hard: 2n ** 64n - 1n },
    { type: "RLIMIT_FSIZE", soft: 2 ** 40, hard: 2 ** 41 },
  ]);
  expect(limitOf(pid, "Max open files")).toEqual(["100", "200"]);
  expect(limitOf(pid, "Max core file size")).toEqual(["0", "unlimited"]);
  expect(limitOf(pid, "Max file size")).toEqual([`${2 ** 40}`, `${2 ** 41}`]);
});

test("a limit that the kernel refuses is named by its place", () => {
  const nrOpen = Number(readFileSync("/proc/sys/fs/nr_open", "utf8"));
  let caught: unknown;
  try {
    applyRlimits(sleeper(), [
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
      { type: "RLIMIT_NOFILE", soft: 1, hard: nrOpen + 1 },
    ]);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(RuntimeFault);
  expect((caught as RuntimeFault).facts).toMatchObject({ where: "/process/rlimits/1", errno: EPERM });
  expect((caught as RuntimeFault).message).toStartWith("error setting rlimit type 7: RLIMIT_NOFILE");
});

/** What a process finds whose caller has these limits. */
function foundUnder(ulimit: string): unknown {
  const script = `${JSON.stringify(join(import.meta.dir, "limits.ts"))}`;
  const code = `console.log(JSON.stringify(require(${script}).callersOpenFiles() ?? null))`;
  // The last command keeps the shell from becoming the process that asks.
  const shell = Bun.spawnSync(["sh", "-c", `${ulimit}; "$0" -e "$1"; true`, process.execPath, code]);
  return JSON.parse(shell.stdout.toString());
}

test("the caller's soft limit of open files is found, though the engine raises its own", () => {
  expect(foundUnder("ulimit -Sn 500; ulimit -Hn 2000")).toEqual({ type: "RLIMIT_NOFILE", soft: 500, hard: 2000 });
  expect(foundUnder("ulimit -Sn 2000; ulimit -Hn 2000")).toBeNull();
});
