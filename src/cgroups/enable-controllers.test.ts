/** Which control files are written on the way down. Plain files stand for them here. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enableControllers } from "./enable-controllers.ts";
import { resourceWritesV2 } from "./resource-writes-v2.ts";

let root = "";
const levels = ["", "/a", "/a/b"];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "runts-controllers-"));
  for (const level of levels) {
    mkdirSync(root + level, { recursive: true });
    writeFileSync(`${root}${level}/cgroup.subtree_control`, "");
    writeFileSync(`${root}${level}/cgroup.type`, "domain\n");
  }
  writeFileSync(`${root}/cgroup.controllers`, "cpu memory pids\n");
});

afterEach(() => rmSync(root, { recursive: true }));

const passedOn = () => levels.map((level) => readFileSync(`${root}${level}/cgroup.subtree_control`, "utf8"));

test("every level above passes all controllers on, and the cgroup itself none", () => {
  writeFileSync(`${root}/a/b/cgroup.controllers`, "pids\n");
  enableControllers(root, `${root}/a/b`, []);
  expect(passedOn()).toEqual(["+cpu +memory +pids", "+cpu +memory +pids", ""]);
});

test("a cgroup with processes of its own is not made to pass anything on: it would become threaded", () => {
  writeFileSync(`${root}/a/b/cgroup.controllers`, "");
  writeFileSync(`${root}/a/cgroup.procs`, "17\n");
  enableControllers(root, `${root}/a/b`, []);
  expect(passedOn()).toEqual(["+cpu +memory +pids", "", ""]);
});

test("nothing is written when they are all there", () => {
  writeFileSync(`${root}/a/b/cgroup.controllers`, "cpuset memory pids cpu\n");
  enableControllers(root, `${root}/a/b`, []);
  expect(passedOn()).toEqual(["", "", ""]);
});

test("an invalid domain becomes threaded, unless a limit needs processes: then the limit is named", () => {
  writeFileSync(`${root}/a/b/cgroup.controllers`, "cpu memory pids\n");
  writeFileSync(`${root}/a/b/cgroup.type`, "domain invalid\n");
  const cpu = resourceWritesV2({ pids: { limit: 5 }, cpu: { shares: 5 } });
  expect(() => enableControllers(root, `${root}/a/b`, cpu)).toThrow(
    "with domain controllers -- it is in an invalid state [at /linux/resources/cpu/shares]",
  );
  enableControllers(root, `${root}/a/b`, resourceWritesV2({ pids: { limit: 5 } }));
  expect(readFileSync(`${root}/a/b/cgroup.type`, "utf8")).toStartWith("threaded");
  writeFileSync(`${root}/a/cgroup.type`, "domain threaded\n");
  expect(() => enableControllers(root, `${root}/a/b`, cpu)).toThrow("it is in domain threaded mode");
});
