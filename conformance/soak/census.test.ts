import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differences, isZombie, ownCensus } from "./census.ts";

test("a state entry and a process that stay are differences of the run's own census", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "census-"));
  const grounds = { scratch, cgroup: "census-test-none", mark: `CENSUS_TEST_${process.pid}` };
  try {
    const before = ownCensus(grounds);
    mkdirSync(join(scratch, "state/left"), { recursive: true });
    const child = Bun.spawn(["sleep", "30"], { env: { [grounds.mark]: "1" } });
    const found = differences(before, ownCensus(grounds));
    expect(found).toContain("processes");
    expect(found).toContain("state entries");
    child.kill("SIGKILL");
    await child.exited;
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test("the machine's counts may shrink, and grow by no more than the slack", () => {
  const before = new Map([["mounts", 10]]);
  expect(differences(before, new Map([["mounts", 7]]), 2)).toEqual([]);
  expect(differences(before, new Map([["mounts", 12]]), 2)).toEqual([]);
  expect(differences(before, new Map([["mounts", 13]]), 2)).toEqual(["mounts"]);
});

test("a process that runs is no zombie, and one that is gone is", () => {
  expect(isZombie(process.pid)).toBe(false);
  expect(isZombie(2 ** 22 + 1)).toBe(true);
});
