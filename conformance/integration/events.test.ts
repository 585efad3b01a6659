import { afterEach, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, withoutNamespace } from "./bundle.ts";
import { bySystemd, cgroupDirectory } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { call, complaint, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("events command");
const ends = needs("events that end", "events command");
const onV1 = needs("cgroup v1", "events command");
const onV2 = needs("cgroup v2", "events command");

const { base, root, env, create, running, runtime, state } = containers("events");

const M = 1 << 20;

interface Entry {
  limit: number;
  usage?: number;
}

interface Told {
  readonly type: string;
  readonly id: string;
  readonly data: {
    cpu: { usage: { total: number }; psi?: object };
    cpuset: { cpus?: number[] };
    memory: { usage: Entry; swap: Entry; raw: Record<string, number>; psi?: object };
    pids: { current: number; limit?: number };
    blkio: object;
    hugetlb: object;
    intel_rdt: object;
    network_interfaces: null;
  };
}

const limits: Edit = (config) => {
  config.linux.resources = {
    ...config.linux.resources,
    memory: { limit: 64 * M, swap: 96 * M },
    pids: { limit: 50 },
    cpu: { cpus: "0" },
  };
};

const stats = (id: string) => JSON.parse(succeeded(runtime(["events", "--stats", id])).stdout) as Told;

test("--stats tells what the kernel counts, as one line of JSON", () => {
  const { id } = running(limits);
  const { stdout, stderr } = succeeded(runtime(["events", "--stats", id]));
  expect([stdout.split("\n").length, stdout.at(-1), stderr]).toEqual([2, "\n", ""]);
  const { type, id: whose, data } = JSON.parse(stdout) as Told;
  expect([type, whose, data.pids, data.memory.usage.limit, data.memory.swap.limit]).toEqual([
    "stats",
    id,
    { current: 1, limit: 50 },
    64 * M,
    96 * M,
  ]);
  expect(Object.keys(data)).toEqual([
    ...["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"],
  ]);
  expect(data.memory.usage.usage).toBeGreaterThan(0);
  expect(Object.keys(data.memory.raw).length).toBeGreaterThan(10);
  expect(data.cpu.usage.total).toBeGreaterThan(0);
});

onV1("the cpuset is told on v1", () => {
  expect(stats(running(limits).id).data.cpuset.cpus).toEqual([0]);
});

onV2("pressure is told on v2, where the kernel measures it", () => {
  const { id } = running(limits);
  const { data } = stats(id);
  for (const name of ["cpu", "memory"] as const) {
    const measured = existsSync(`${cgroupDirectory(id, "cpu")}/${name}.pressure`);
    expect(data[name].psi === undefined).toBe(!measured);
  }
});

needs("clean init", "events command")("a created and a paused container have stats", () => {
  const [created, paused] = [create("true"), running()];
  succeeded(runtime(["pause", paused.id]));
  for (const { id } of [created, paused]) expect(stats(id).data.pids.current).toBe(1);
});

interface Follower {
  readonly lines: () => Told[];
  readonly complaints: () => string;
  /** Waits until it has begun to: init's descriptor is the last that it opens. */
  readonly watching: () => Promise<void>;
  readonly ended: Promise<number>;
  readonly kill: () => void;
}

const followers: Follower[] = [];
afterEach(() => {
  for (const { kill } of followers.splice(0)) kill();
});

/** `events` beside the test. */
function follow(id: string, ...args: string[]): Follower {
  const name = join(base, `follower-${followers.length}`);
  for (const end of [".out", ".err"]) writeFileSync(name + end, "");
  const child = Bun.spawn([runtimePath, "--root", root, "events", ...args, id], {
    stdin: "ignore",
    stdout: Bun.file(`${name}.out`),
    stderr: Bun.file(`${name}.err`),
    env,
  });
  const follower = {
    lines: () => {
      const text = readFileSync(`${name}.out`, "utf8");
      return text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Told);
    },
    complaints: () => readFileSync(`${name}.err`, "utf8"),
    watching: () => until("events to watch", () => openFiles(child.pid).some((file) => file.includes("pidfd"))),
    ended: child.exited,
    kill: () => child.kill("SIGKILL"),
  };
  followers.push(follower);
  return follower;
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // one was closed between being seen and being read
  }
}

ends("stats come in intervals, and end with the container", async () => {
  const { id } = running();
  const { lines, ended, complaints } = follow(id, "--interval", "50ms");
  await until("three lines", () => lines().length >= 3);
  for (const { type, id: whose } of lines()) expect([type, whose]).toEqual(["stats", id]);
  succeeded(runtime(["kill", id, "KILL"]));
  expect(await ended).toBe(0);
  expect(complaints()).toBe("");
});

ends("the first line comes after an interval, and the container's end does not wait for it", async () => {
  const { id } = running();
  const { lines, ended, watching } = follow(id, "--interval=1h");
  await watching();
  succeeded(runtime(["delete", "--force", id]));
  expect(await ended).toBe(0);
  expect(lines()).toEqual([]);
});

ends("while one process of the container is left, events go on", async () => {
  const { id } = create("sleep 1000 & exit 0", (config) => withoutNamespace(config, "pid"));
  const { lines, ended } = follow(id, "--interval", "50ms");
  await until("a line", () => lines().length > 0);
  succeeded(runtime(["start", id]));
  await until("its init's end", () => state(id).status === "stopped");
  const { length } = lines();
  await until("more lines", () => lines().length > length + 1);
  succeeded(runtime(["delete", "--force", id]));
  expect(await ended).toBe(0);
});

const hungry = (config: Parameters<Edit>[0]) => {
  config.linux.resources = { ...config.linux.resources, memory: { limit: 16 * M, swap: 16 * M } };
};
const eat = "dd if=/dev/zero of=/dev/null bs=64M count=1";

ends("each time that memory is short an event of type oom is told", async () => {
  const of = create(`for i in 1 2; do while [ ! -e /go$i ]; do sleep 0.02; done; ${eat}; done; sleep 1000`, hungry);
  succeeded(runtime(["start", of.id]));
  const { lines, complaints, watching } = follow(of.id, "--interval", "1h");
  await watching();
  for (const times of [1, 2]) {
    writeFileSync(join(of.rootfs, `go${times}`), "");
    await until(`${times} events`, () => lines().length >= times);
  }
  expect(lines()).toEqual([1, 2].map(() => ({ type: "oom", id: of.id })) as unknown as Told[]);
  expect(complaints()).toBe("");
});

// Nothing is left to read where systemd removes the cgroup with its last process.
const endsByPath = bySystemd ? needs("events command", "cgroupfs driver") : ends;
endsByPath("an event of type oom is told also when it is the container's end", async () => {
  const of = create(`while [ ! -e /go ]; do sleep 0.02; done; exec ${eat}`, hungry);
  succeeded(runtime(["start", of.id]));
  const { lines, ended, watching } = follow(of.id, "--interval", "1h");
  await watching();
  writeFileSync(join(of.rootfs, "go"), "");
  expect(await ended).toBe(0);
  expect(lines()).toEqual([{ type: "oom", id: of.id }] as unknown as Told[]);
});

ends("when nobody reads any more, it ends", async () => {
  const { id } = running();
  const child = Bun.spawn([runtimePath, "--root", root, "events", "--interval", "1h", id], { stdout: "pipe", env });
  await Bun.sleep(200);
  await child.stdout.cancel();
  expect(await child.exited).toBeLessThan(256);
});

const refusals: [name: string, args: string[], words: RegExp][] = [
  ["an interval of nothing", ["--interval", "0"], /^duration interval must be greater than 0/],
  ["a negative interval", ["--interval=-5s"], /^duration interval must be greater than 0/],
  ["an interval without a unit", ["--interval", "5"], /^invalid value "5" for flag -interval: parse error/],
  ["an interval of nothing beside --stats", ["--stats", "--interval=0s"], /^duration interval must be greater than 0/],
];
for (const [name, args, words] of refusals) {
  test(`events with ${name} is refused in runc's words`, () => {
    const outcome = runtime(["events", ...args, running().id]);
    expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringMatching(words)]);
  });
}

test("events of a stopped container, and of none, is refused in runc's words", async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  for (const args of [["--stats"], []]) {
    expect(complaint(runtime(["events", ...args, of.id]))).toMatch(/^container with id .* is not running/);
  }
  expect(complaint(runtime(["events", "--stats", "not-there"]))).toMatch(/^container does not exist/);
});

/** Where objects have which members: what of a line doesn't depend on what the container did. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (value === null || typeof value !== "object") return value === null ? null : typeof value;
  const members = Object.entries(value).map(([name, member]) => [name, shape(member)] as const);
  // Left out where they are 0, which is chance; earlier versions of runc write empty objects then.
  const chance = ["cache", "usage", "max", "percpu_kernel", "percpu_user", "psi", "blkio"];
  return members.filter(([name]) => !chance.includes(name) && !isNothing((value as Record<string, unknown>)[name]));
}

function isNothing(member: unknown): boolean {
  return typeof member === "object" && member !== null && Object.values(member).every((value) => value === 0);
}

const runc = Bun.which("runc");

needs(
  "root",
  "installed runc",
  "events command",
)("a line has the members of runc's, in the same order", () => {
  const of = running(limits);
  const ours = stats(of.id);
  const [theirRoot, id] = [join(base, "runc-root"), `${of.id}-runc`];
  mkdirSync(theirRoot);
  const scratch = join(base, "runc");
  const config = { ...of.config, linux: { ...of.config.linux, cgroupsPath: `/${id}` } };
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(config));
  try {
    succeeded(call([runc!, "--root", theirRoot, "run", "-d", "-b", of.dir, id], scratch, { env }));
    const theirs = JSON.parse(
      succeeded(call([runc!, "--root", theirRoot, "events", "--stats", id], scratch, { env })).stdout,
    ) as Told;
    expect(shape(ours)).toEqual(shape(theirs));
    expect(ours.data.cpuset).toEqual(theirs.data.cpuset);
    expect(Object.keys(ours.data.memory.raw)).toEqual(Object.keys(theirs.data.memory.raw));
    expect(Object.keys(ours.data.hugetlb)).toEqual(Object.keys(theirs.data.hugetlb));
  } finally {
    call([runc!, "--root", theirRoot, "delete", "--force", id], scratch, { env });
  }
});
