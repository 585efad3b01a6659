import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeUpdate } from "./complete-update.ts";
import { resourceWritesV2 } from "./resource-writes-v2.ts";

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

/** The writes that an update leads to in a v2 cgroup with these files. */
function writes(files: Record<string, string>, resources: Parameters<typeof completeUpdate>[0]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "runts-cgroup-"));
  made.push(directory);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), `${content}\n`);
  const complete = completeUpdate(resources, { driver: "cgroupfs", mode: "v2", paths: { "": directory }, made: [] });
  return resourceWritesV2(complete).map(({ file, value }) => `${file}=${value}`);
}

const memory = { "memory.max": "1000000", "memory.swap.max": "500000" };

test("a quota keeps the period, a period the quota", () => {
  expect(writes({ "cpu.max": "30000 60000" }, { cpu: { quota: 20000 } })).toEqual(["cpu.max=20000 60000"]);
  expect(writes({ "cpu.max": "30000 60000" }, { cpu: { period: 50000 } })).toEqual(["cpu.max=30000 50000"]);
  expect(writes({ "cpu.max": "30000 60000" }, { cpu: { quota: -1 } })).toEqual(["cpu.max=max 60000"]);
  expect(writes({ "cpu.max": "max 60000" }, { cpu: { period: 50000 } })).toEqual(["cpu.max=max 50000"]);
  expect(writes({ "cpu.max": "30000 60000" }, { cpu: { quota: 1000, period: 2000 } })).toEqual(["cpu.max=1000 2000"]);
  expect(writes({ "cpu.max": "30000 60000" }, { cpu: { quota: 0, period: 0 } })).toEqual([]);
  expect(writes({}, { cpu: { quota: 20000 } })).toEqual(["cpu.max=20000 100000"]);
});

test("memory alone keeps the sum of memory and swap", () => {
  expect(writes(memory, { memory: { limit: 1200000 } })).toEqual(["memory.swap.max=300000", "memory.max=1200000"]);
  expect(writes(memory, { memory: { limit: 1500000 } })).toEqual(["memory.swap.max=0", "memory.max=1500000"]);
  expect(() => writes(memory, { memory: { limit: 1600000 } })).toThrow(/memory\+swap limit should be >= memory limit/);
});

test("memory alone leaves swap that has no limit, or is not accounted", () => {
  expect(writes({ ...memory, "memory.swap.max": "max" }, { memory: { limit: 4096 } })).toEqual(["memory.max=4096"]);
  expect(writes({ "memory.max": "1000000" }, { memory: { limit: 4096 } })).toEqual(["memory.max=4096"]);
  expect(writes({ ...memory, "memory.max": "max" }, { memory: { limit: 4096 } })).toEqual(["memory.max=4096"]);
});

test("swap alone is what exceeds the limit of memory that is in force", () => {
  expect(writes(memory, { memory: { swap: 1600000 } })).toEqual(["memory.swap.max=600000", "memory.max=1000000"]);
  expect(() => writes({ "memory.max": "max" }, { memory: { swap: 1600000 } })).toThrow(
    /unable to set swap limit without memory limit/,
  );
});

test("no limit at all needs nothing more to be said", () => {
  expect(writes(memory, { memory: { limit: -1 } })).toEqual(["memory.swap.max=max", "memory.max=max"]);
  expect(writes(memory, { memory: { swap: -1 } })).toEqual(["memory.swap.max=max"]);
});

test("on v1, where each field has its file, nothing is added", () => {
  const resources = { memory: { limit: 4096 }, cpu: { quota: 1000 } };
  expect(completeUpdate(resources, { driver: "cgroupfs", mode: "v1", paths: { memory: "/x" }, made: [] })).toBe(
    resources,
  );
});
