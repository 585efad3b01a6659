import { expect, test } from "bun:test";
import { readTap } from "./tap.ts";

test("a test that was skipped has its reason", () => {
  expect(readTap("1..1\nok 1 runc update # skip test requires cgroups_v2\n")).toEqual([
    { caller: "root", test: "runc update", outcome: "skip", reason: "test requires cgroups_v2" },
  ]);
});

test("a failure has what bats says of it", () => {
  expect(readTap("not ok 1 umask\n# (in test file umask.bats, line 20)\n# bad output\nok 2 next\n")).toEqual([
    { caller: "root", test: "umask", outcome: "fail", reason: "(in test file umask.bats, line 20)\nbad output\n" },
    { caller: "root", test: "next", outcome: "pass", reason: "" },
  ]);
});

test("rootless.sh says which features the tests below have", () => {
  const output = "[01] run rootless tests ... ()\nok 1 a\n[04] run rootless tests ... (idmap+cgroup)\nok 1 a\n";
  expect(readTap(output).map(({ caller }) => caller)).toEqual(["rootless", "rootless, idmap and cgroup"]);
});
