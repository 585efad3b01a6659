import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withoutNamespace } from "./bundle.ts";
import { cgroupDirectory } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { userName } from "./ordinary-user.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, prints, root, run, running, runtime, state } = containers("lifecycle");

const stopped = async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  return of;
};

test("create leaves the container created, and its program not run", () => {
  const of = create("echo ran");
  expect(state(of.id)).toMatchObject({ id: of.id, status: "created", bundle: of.dir });
  expect(of.logs().stdout).toBe("");
  expect(existsSync(join(root, of.id, "exec.fifo"))).toBe(true);
});

test("start runs the program, and the container is running, then stopped", async () => {
  const of = create("echo ran; while ! [ -e /over ]; do sleep 0.02; done");
  succeeded(runtime(["start", of.id]));
  expect(state(of.id).status).toBe("running");
  writeFileSync(join(of.rootfs, "over"), "");
  await until("the program to end", () => state(of.id).status === "stopped");
  expect(of.logs().stdout).toBe("ran\n");
  expect(state(of.id).pid).toBe(0);
});

test("state tells what the specification and runc say, and nothing goes to standard error", () => {
  const of = create("true", (config) => {
    config.annotations = { "org.example.b": "2", "org.example.a": "<1>" };
  });
  const outcome = succeeded(runtime(["state", of.id]));
  expect(outcome.stderr).toBe("");
  const told = JSON.parse(outcome.stdout) as Record<string, unknown>;
  expect(Object.keys(told)).toEqual([
    "ociVersion",
    "id",
    "pid",
    "status",
    "bundle",
    "rootfs",
    "created",
    "annotations",
    "owner",
  ]);
  expect(told.rootfs).toBe(of.rootfs);
  expect(told.annotations).toEqual({ "org.example.a": "<1>", "org.example.b": "2" });
  expect(told.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
  expect(outcome.stdout).toContain("\\u003c1\\u003e");
});

test("the pid file has the pid and no more", () => {
  const file = join(base, "pid");
  const of = create("true", undefined, ["--pid-file", file]);
  expect(readFileSync(file, "utf8")).toBe(`${state(of.id).pid}`);
  expect(readdirSync(base)).not.toContain(".pid");
});

test("the root directory of the runtime is for its user only", () => {
  create("true");
  expect(statSync(root).mode & 0o777).toBe(0o700);
});

test("kill sends SIGTERM unless said, by name or number", async () => {
  const script = 'for s in TERM HUP USR1; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.05; done';
  const of = create(script);
  succeeded(runtime(["start", of.id]));
  await until("the traps", () => of.logs().stdout.includes("ready"));
  for (const [args, line] of [
    [[], "TERM"],
    [["HUP"], "HUP"],
    [["sigusr1"], "USR1"],
    [["15"], "TERM\n"],
  ] as const) {
    const before = of.logs().stdout.length;
    succeeded(runtime(["kill", of.id, ...args]));
    await until(`the trap of ${line}`, () => of.logs().stdout.slice(before).includes(line.trim()));
  }
});

test("kill of a created container ends it", async () => {
  const of = create("echo ran");
  succeeded(runtime(["kill", of.id, "KILL"]));
  await until("the init to end", () => state(of.id).status === "stopped");
  expect(complaint(runtime(["start", of.id]))).toMatch(/^cannot start a container that has stopped\b/);
  expect(of.logs().stdout).toBe("");
});

needs("own cgroup")("kill with SIGKILL and no pid namespace ends every process of the container", async () => {
  const of = create("sleep 1001 & sleep 1002", (config) => withoutNamespace(config, "pid"));
  succeeded(runtime(["start", of.id]));
  succeeded(runtime(["kill", of.id, "KILL"]));
  await until("the init to end", () => state(of.id).status === "stopped");
  succeeded(runtime(["delete", of.id]));
});

test("SIGTERM from anyone ends a created container, and one that starts has its signals as they were", async () => {
  const of = create("true");
  process.kill(state(of.id).pid, "SIGTERM");
  await until("the init to end", () => state(of.id).status === "stopped");
  expect(prints("grep SigBlk /proc/self/status")).toMatch(/\t0+$/);
  const started = create("grep SigBlk /proc/self/status");
  succeeded(runtime(["start", started.id]));
  await until("the program to end", () => state(started.id).status === "stopped");
  expect(started.logs().stdout.trim()).toMatch(/\t0+$/);
});

needs("own cgroup", "init's heirs")("kill with SIGKILL ends the processes that have outlived init", async () => {
  const of = create("sleep 1001 & exec sleep 1002", (config) => withoutNamespace(config, "pid"));
  succeeded(runtime(["start", of.id]));
  const procs = `${cgroupDirectory(of.id, "pids")}/cgroup.procs`;
  // A unit of systemd's goes with its last process.
  const processes = () => (existsSync(procs) ? readFileSync(procs, "utf8").trim().split("\n").filter(Boolean) : []);
  await until("the second process", () => processes().length === 2);
  process.kill(state(of.id).pid, "SIGKILL");
  await until("the init to end", () => state(of.id).status === "stopped");
  expect(complaint(runtime(["kill", of.id, "TERM"]))).toStartWith("container not running");
  succeeded(runtime(["kill", of.id, "KILL"]));
  await until("the other one to end", () => processes().length === 0);
});

test("delete of a created container ends it and removes all", () => {
  const of = create("true");
  succeeded(runtime(["delete", of.id]));
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("an id can be used again after delete", () => {
  const of = create("true");
  succeeded(runtime(["delete", of.id]));
  succeeded(runtime(["create", "--bundle", of.dir, of.id]));
});

test("delete --force ends a running container", () => {
  const of = running();
  succeeded(runtime(["delete", "--force", of.id]));
  expect(complaint(runtime(["state", of.id]))).toMatch(/^container does not exist\b/);
});

test("run removes the container at its end, run --keep doesn't", () => {
  const [gone, kept] = [bundle("true"), bundle("true")];
  succeeded(runtime(["run", "--bundle", gone.dir, gone.id]));
  expect(complaint(runtime(["state", gone.id]))).toMatch(/^container does not exist\b/);
  succeeded(runtime(["run", "--keep", "--bundle", kept.dir, kept.id]));
  expect(state(kept.id).status).toBe("stopped");
});

test("run --detach returns while the program runs", () => {
  const of = bundle("sleep 1000");
  succeeded(runtime(["run", "--detach", "--bundle", of.dir, of.id]));
  expect(state(of.id).status).toBe("running");
});

test("run gives the program its input, and all of its output", () => {
  const outcome = run("cat; seq 1 20000; echo error >&2", undefined, { stdin: "given\n" });
  expect(outcome.stdout).toStartWith("given\n1\n2\n");
  expect(outcome.stdout).toEndWith("\n19999\n20000\n");
  expect(outcome.stderr).toBe("error\n");
});

test("the bundle is the working directory unless said", () => {
  const of = bundle("echo here");
  expect(succeeded(runtime(["run", of.id], { cwd: of.dir })).stdout).toBe("here\n");
});

test("list tells all containers, in the order of their names", () => {
  const [one, two] = [running(), create("true")];
  const table = succeeded(runtime(["list"]))
    .stdout.trim()
    .split("\n");
  expect(table[0]).toMatch(/^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/);
  expect(table.slice(1).map((line) => line.split(/ {2,}/)[2])).toEqual(["running", "created"]);
  expect(succeeded(runtime(["list", "-q"])).stdout).toBe(`${one.id}\n${two.id}\n`);
  const json = JSON.parse(succeeded(runtime(["list", "--format", "json"])).stdout) as { id: string; owner: string }[];
  expect(json.map((entry) => [entry.id, entry.owner])).toEqual([
    [one.id, userName],
    [two.id, userName],
  ]);
});

needs(
  "own cgroup",
  "pause command",
  "resume command",
)("pause stops all processes, resume lets them go on", async () => {
  const of = create("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
  succeeded(runtime(["start", of.id]));
  succeeded(runtime(["pause", of.id]));
  expect(state(of.id).status).toBe("paused");
  const length = of.logs().stdout.length;
  await Bun.sleep(100);
  expect(of.logs().stdout.length).toBe(length);
  expect(complaint(runtime(["delete", of.id]))).toMatch(/that is not stopped: paused/);
  succeeded(runtime(["resume", of.id]));
  await until("more output", () => of.logs().stdout.length > length);
});

needs("own cgroup", "pause command")("a paused container can be killed and deleted by force", () => {
  const of = running();
  succeeded(runtime(["pause", of.id]));
  succeeded(runtime(["delete", "--force", of.id]));
});

needs("own cgroup", "ps command")("ps tells the processes of the container", () => {
  const of = running();
  expect(JSON.parse(succeeded(runtime(["ps", "--format", "json", of.id])).stdout)).toEqual([state(of.id).pid]);
  expect(succeeded(runtime(["ps", of.id])).stdout).toMatch(/PID.*\n.*sleep 1000\n$/);
});

/** Command and its words (what was meant may follow them, in brackets), for a container that is running, that is stopped, and that isn't there. */
const refusals: [when: "running" | "stopped" | "created" | "missing", args: string[], words: RegExp][] = [
  ["running", ["start"], /^cannot start an already running container\b/],
  ["running", ["delete"], /^cannot delete container .* that is not stopped: running\b/],
  ["running", ["resume"], /container not paused/],
  ["running", ["kill", "+BANANA"], /unknown signal "BANANA"/],
  ["stopped", ["start"], /^cannot start a container that has stopped\b/],
  ["stopped", ["kill"], /container not running/],
  ["stopped", ["pause"], /container not running/],
  ["created", ["resume"], /container not paused/],
  ...["start", "state", "kill", "delete", "pause", "resume"].map(
    (command): [when: "missing", args: string[], words: RegExp] => [
      "missing",
      [command],
      /^container does not exist\b/,
    ],
  ),
];

for (const [when, [command, ...more], words] of refusals) {
  const define = command === "pause" || command === "resume" ? needs(`${command} command`) : test;
  define(`${command} ${more} is refused in runc's words when the container is ${when}`, async () => {
    const made = { running, stopped, created: () => create("true"), missing: () => ({ id: "not-there" }) }[when];
    const { id } = await made();
    const outcome = runtime([command!, id, ...more.map((word) => word.replace("+", ""))]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
  });
}

test("create of an id that is taken is refused, and the first stays", () => {
  const of = running();
  const outcome = runtime(["create", "--bundle", of.dir, of.id]);
  expect(complaint(outcome)).toMatch(/container with given ID already exists/);
  expect(state(of.id).status).toBe("running");
});

test("delete --force of an id that isn't there is fine and silent", () => {
  expect(succeeded(runtime(["delete", "--force", "not-there"]))).toMatchObject({ stdout: "", stderr: "" });
});

test("start doesn't hang when the init is dead", () => {
  const of = create("true");
  process.kill(state(of.id).pid, "SIGKILL");
  expect(complaint(runtime(["start", of.id]))).toMatch(
    /cannot start a container that has stopped|container process is already dead/,
  );
});
