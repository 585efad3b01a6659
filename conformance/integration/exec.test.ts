import { expect } from "bun:test";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containers, succeeded, until } from "./harness.ts";
import { isRoot } from "./ordinary-user.ts";
import { complaint, type Outcome } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("exec command");

const { base, beside, create, running, runtime, state } = containers("exec");

const exec = (id: string, ...args: string[]): Outcome =>
  runtime(["exec", ...args.slice(0, -1), id, "sh", "-c", args.at(-1)!]);

test("exec runs in all namespaces and cgroups of the container", () => {
  const of = running();
  const pid = state(of.id).pid;
  for (const name of ["ipc", "mnt", "net", "pid", "uts"]) {
    expect(exec(of.id, `readlink /proc/self/ns/${name}`).stdout.trim()).toBe(readlinkSync(`/proc/${pid}/ns/${name}`));
  }
  expect(exec(of.id, "cat /proc/self/cgroup").stdout).toBe(readFileSync(`/proc/${pid}/cgroup`, "utf8"));
});

for (const status of [0, 1, 42]) {
  test(`exec ends with the program's status ${status}`, () =>
    expect(exec(running().id, `exit ${status}`).code).toBe(status));
}

test("exec ends with 128+15 when its program is ended by SIGTERM", () => {
  expect(exec(running().id, "kill -15 $$").code).toBe(143);
});

test("exec passes input and output", () => {
  const outcome = runtime(["exec", running().id, "sh", "-c", "cat; echo error >&2"], { stdin: "given\n" });
  expect([outcome.stdout, outcome.stderr]).toEqual(["given\n", "error\n"]);
});

const options: [name: string, flags: string[], script: string, expected: string][] = [
  ["--user with a uid", ["--user", "1000"], "id -u", "1000"],
  ["--user with uid and gid", ["--user", "1000:1001"], "id -u; id -g", "1000\n1001"],
  ["--additional-gids", isRoot ? ["-g", "5", "-g", "6"] : [], "id -G", isRoot ? "0 5 6" : "0"],
  ["--cwd", ["--cwd", "/tmp"], "pwd", "/tmp"],
  ["--env", ["--env", "A=1", "--env", "B=x,y"], 'echo "$A $B"', "1 x,y"],
  ["no --env, and the config's counts", [], "echo $TERM $HOME", "xterm /root"],
];

for (const [name, flags, script, expected] of options) {
  test(`exec with ${name}`, () => expect(succeeded(exec(running().id, ...flags, script)).stdout.trim()).toBe(expected));
}

test("exec --cap adds to what may be used and not to what is inherited", () => {
  const status = succeeded(exec(running().id, "--cap", "CAP_SYS_ADMIN", "grep ^Cap /proc/self/status")).stdout;
  const sets = Object.fromEntries(
    status
      .trim()
      .split("\n")
      .map((line) => line.split(":\t") as [string, string]),
  );
  for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(BigInt(`0x${sets[set]}`) & (1n << 21n)).not.toBe(0n);
  expect(sets.CapInh).toBe("0000000000000000");
});

test("options after the id belong to the program", () => {
  const of = running();
  expect(runtime(["exec", of.id, "echo", "--user", "1000", "-e"]).stdout).toBe("--user 1000 -e\n");
});

needs("root")("exec --process takes all from the file", () => {
  const file = join(base, "process.json");
  const asked = {
    user: { uid: 1000, gid: 7, additionalGids: [8] },
    args: ["sh", "-c", "id -u; id -G; pwd; echo $X; umask"],
    env: ["PATH=/bin", "X=1"],
    cwd: "/tmp",
  };
  writeFileSync(file, JSON.stringify(asked));
  const lines = succeeded(runtime(["exec", "--process", file, running().id])).stdout.split("\n");
  expect(lines.slice(0, 4)).toEqual(["1000", "7 8", "/tmp", "1"]);
});

needs("own cgroup")("exec --detach returns at once, and writes the pid file", async () => {
  const of = running();
  const file = join(base, "exec-pid");
  succeeded(runtime(["exec", "--detach", "--pid-file", file, of.id, "sleep", "999"]));
  const pid = readFileSync(file, "utf8");
  await until("the program", () => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep"));
  expect((JSON.parse(runtime(["ps", "-f", "json", of.id]).stdout) as number[]).includes(Number(pid))).toBe(true);
});

test("a signal to exec in the foreground is its program's", async () => {
  const of = running();
  const script = "trap 'echo got it; exit 7' TERM; echo up; while :; do sleep 0.1; done";
  const call = beside(["exec", of.id, "sh", "-c", script]);
  await until("the program", () => call.output().stdout.includes("up"));
  process.kill(call.pid, "SIGTERM");
  expect(await call.ended).toMatchObject({ code: 7, stdout: "up\ngot it\n", hung: false });
});

test("exec --detach leaves nothing of the runtime behind, and its process to whoever reaps", async () => {
  const of = running();
  const file = join(base, "orphan-pid");
  succeeded(runtime(["exec", "-d", "--pid-file", file, of.id, "sleep", "999"]));
  const pid = readFileSync(file, "utf8");
  expect(pid).toMatch(/^[1-9][0-9]*$/);
  const parent = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[1]!;
  expect(readFileSync(`/proc/${parent}/cmdline`, "utf8")).not.toContain("exec");
  const inside = succeeded(runtime(["exec", of.id, "sh", "-c", "cat /proc/[0-9]*/comm"]))
    .stdout.trim()
    .split("\n");
  expect(inside.sort()).toEqual(["cat", "sleep", "sleep"]);
});

test("exec works in a container that is created and not started", () => {
  expect(exec(create("true").id, "echo ran").stdout).toBe("ran\n");
});

test("an exec'ed process has a session of its own and only its standard descriptors", () => {
  const seen = exec(running().id, "ls /proc/self/fd; cut -d' ' -f6 /proc/$$/stat; echo $$").stdout.split("\n");
  expect(seen.slice(0, 4)).toEqual(["0", "1", "2", "3"]); // 3 is the directory that ls reads
  expect(seen[4]).toBe(seen[5]!);
});

const failures: [name: string, args: string[], words: RegExp][] = [
  ["a program that isn't there", ["ID", "nope"], /executable file not found in \$PATH/],
  ["a program by path that isn't there", ["ID", "/nope"], /no such file or directory/],
  ["a working directory that isn't there", ["--cwd", "/nope", "ID", "true"], /./],
  ["a relative working directory", ["--cwd", "tmp", "ID", "true"], /[Cc]wd must be an absolute path/],
  ["a variable without =", ["--env", "FOO", "ID", "true"], /./],
];

for (const [name, args, words] of failures) {
  test(`exec with ${name} ends with 255, in runc's words`, () => {
    const of = running();
    const outcome = runtime(["exec", ...args.map((arg) => (arg === "ID" ? of.id : arg))]);
    expect(outcome.code).toBe(255);
    expect(complaint(outcome)).toMatch(words);
  });
}

const users = ["-1", "4294967295", "1x", "1:x", "x", "1.0", " 1"];
for (const user of users) {
  test(`exec --user ${JSON.stringify(user)} is refused`, () => {
    const outcome = exec(running().id, "--user", user, "id -u");
    expect(outcome.code).not.toBe(0);
    expect(outcome.stdout).toBe("");
  });
}

needs("exact ids", "exec command")("exec --user 4294967296 isn't root", () => {
  const outcome = exec(running().id, "--user", "4294967296", "id -u");
  expect([outcome.code === 0, outcome.stdout]).toEqual([false, ""]);
});

test("exec in a stopped container ends with 255 in runc's words", async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  const outcome = exec(of.id, "true");
  expect(outcome.code).toBe(255);
  expect(complaint(outcome)).toMatch(/cannot exec (in )?a (container that has )?stopped/);
});

needs("own cgroup")("exec in a paused container ends with 255 in runc's words", () => {
  const of = running();
  succeeded(runtime(["pause", of.id]));
  const outcome = exec(of.id, "true");
  expect(outcome.code).toBe(255);
  expect(complaint(outcome)).toMatch(/cannot exec in a paused container \(use --ignore-paused to override\)/);
});

test("exec in a container that doesn't exist ends with 255", () => {
  const outcome = exec("not-there", "true");
  expect([outcome.code, complaint(outcome)]).toEqual([255, expect.stringMatching(/container does not exist/)]);
});
