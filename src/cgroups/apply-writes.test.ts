/** What becomes of a write when a file is missing. Plain files stand for control files here. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinuxResources } from "../bundle/config.ts";
import { applyWrites } from "./apply-writes.ts";
import { resourceWritesV2 } from "./resource-writes-v2.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "runts-writes-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function apply(resources: LinuxResources, ...files: string[]): Record<string, string> {
  for (const file of files) writeFileSync(join(directory, file), "");
  applyWrites({ "": directory }, resourceWritesV2(resources));
  return Object.fromEntries(readdirSync(directory).map((f) => [f, readFileSync(join(directory, f), "utf8")]));
}

test("I/O weights go to BFQ where it is, and are converted where it is not", () => {
  const blockIO = { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 100 }] };
  expect(apply({ blockIO }, "io.weight")).toEqual({ "io.weight": "4950" });
  expect(apply({ blockIO: { weight: 500 } }, "io.bfq.weight")["io.bfq.weight"]).toBe("500");
});

test("what a kernel does not have is left out where nothing is lost by it", () => {
  const resources = { memory: { limit: 100, swap: 100 }, hugepageLimits: [{ pageSize: "2MB", limit: 0 }] };
  expect(apply(resources, "memory.max", "hugetlb.2MB.max")).toEqual({ "memory.max": "100", "hugetlb.2MB.max": "0" });
  expect(() => apply({ memory: { limit: 100, swap: 101 } })).toThrow("memory.swap.max");
});

test("a missing controller is named, and a missing file of one that is there is told from it", () => {
  writeFileSync(join(directory, "cgroup.controllers"), "cpu pids\n");
  expect(() => apply({ memory: { limit: 100 } })).toThrow(
    'memory.max can\'t be set: controller "memory" not available: no such file or directory (ENOENT) ' +
      "[at /linux/resources/memory/limit",
  );
  expect(() => apply({ unified: { "cpu.nonsense": "1" } })).toThrow('failed to write "1"');
  expect(() => apply({ unified: { "memory.max": "1" } })).toThrow(
    'unified resource "memory.max" can\'t be set: controller "memory" not available',
  );
});

test("no cgroup, no limit", () => {
  expect(() => applyWrites({}, resourceWritesV2({ pids: { limit: 1 } }))).toThrow(
    "cannot set cgroup limit: container could not join or create cgroup",
  );
});
