import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("update command");

const { create, running, runtime, state } = containers("update");
const onV1 = needs("cgroup v1", "update command");

const contentOf = (id: string, controller: string, name: string) =>
  readFileSync(join("/sys/fs/cgroup", controller, id, name), "utf8").trim();

const flags: [flags: string[], controller: string, file: string, expected: string][] = [
  [["--memory", "67108864"], "memory", "memory.limit_in_bytes", "67108864"],
  [["--memory", "64M"], "memory", "memory.limit_in_bytes", "67108864"],
  [["--memory-reservation", "33554432"], "memory", "memory.soft_limit_in_bytes", "33554432"],
  [["--cpu-share", "200"], "cpu", "cpu.shares", "200"],
  [["--cpu-period", "50000", "--cpu-quota", "25000"], "cpu", "cpu.cfs_quota_us", "25000"],
  [["--cpuset-cpus", "0"], "cpuset", "cpuset.cpus", "0"],
  [["--pids-limit", "44"], "pids", "pids.max", "44"],
];

for (const [args, controller, file, expected] of flags) {
  onV1(`update ${args.join(" ")} is read back from ${file}`, () => {
    const of = running();
    succeeded(runtime(["update", ...args, of.id]));
    expect(contentOf(of.id, controller, file)).toBe(expected);
  });
}

onV1("update takes resources in JSON from standard input", () => {
  const of = running();
  const resources = { memory: { limit: 67_108_864 }, cpu: { shares: 300 }, pids: { limit: 55 } };
  succeeded(runtime(["update", "--resources", "-", of.id], { stdin: JSON.stringify(resources) }));
  expect(contentOf(of.id, "memory", "memory.limit_in_bytes")).toBe("67108864");
  expect(contentOf(of.id, "cpu", "cpu.shares")).toBe("300");
  expect(contentOf(of.id, "pids", "pids.max")).toBe("55");
});

onV1("an update leaves what it doesn't name", () => {
  const of = running((config) => {
    config.linux.resources = { ...config.linux.resources, pids: { limit: 33 } };
  });
  succeeded(runtime(["update", "--cpu-share", "200", of.id]));
  expect(contentOf(of.id, "pids", "pids.max")).toBe("33");
});

onV1("a created and a paused container can be updated, and stay what they are", () => {
  const [created, paused] = [create("true"), running()];
  succeeded(runtime(["pause", paused.id]));
  for (const { id } of [created, paused]) {
    succeeded(runtime(["update", "--pids-limit", "44", id]));
    expect(contentOf(id, "pids", "pids.max")).toBe("44");
  }
  expect([state(created.id).status, state(paused.id).status]).toEqual(["created", "paused"]);
});

test("an update doesn't open devices", () => {
  const of = running();
  succeeded(runtime(["update", "--pids-limit", "44", of.id]));
  const allowed = runtime(["exec", of.id, "sh", "-c", "echo x >/dev/null && echo fine"]);
  expect(allowed.stdout).toBe("fine\n");
});

const refusals: [name: string, args: string[], words: RegExp][] = [
  ["a size that isn't one", ["--memory", "12q"], /invalid (size|value)/],
  ["cpus that don't exist", ["--cpuset-cpus", "999"], /./],
];

for (const [name, args, words] of refusals) {
  test(`update with ${name} is refused`, () => {
    const outcome = runtime(["update", ...args, running().id]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
  });
}

test("update of a stopped container is refused in runc's words", async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  expect(complaint(runtime(["update", "--pids-limit", "44", of.id]))).toMatch(/container not running/);
});

onV1("events --stats tells what the kernel counts, as one line of JSON", () => {
  const of = running();
  const line = succeeded(runtime(["events", "--stats", of.id])).stdout;
  const told = JSON.parse(line) as {
    type: string;
    id: string;
    data: { pids: { current: number }; memory: { usage: { usage: number } } };
  };
  expect([told.type, told.id, told.data.pids.current]).toEqual(["stats", of.id, 1]);
  expect(told.data.memory.usage.usage).toBeGreaterThan(0);
  expect(line.trim()).not.toContain("\n");
});

test("events of a stopped container is refused in runc's words", async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  expect(complaint(runtime(["events", "--stats", of.id]))).toMatch(/container with id .* is not running/);
});
