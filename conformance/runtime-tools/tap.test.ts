import { expect, test } from "bun:test";
import { parseTap } from "./tap.ts";

test("a failing point is kept with its text", () => {
  const result = parseTap("TAP version 13\nok 1 - has pid\nnot ok 2 - has hostname\n  ---\n  got: a\n  ...\n1..2\n");
  expect(result).toEqual({ passed: 1, skipped: 0, failed: ["not ok 2 - has hostname"], errors: [] });
});

test("a skipped point counts as skipped, not as passed", () => {
  expect(parseTap("ok 1 # SKIP no blkio\n1..1")).toEqual({ passed: 0, skipped: 1, failed: [], errors: [] });
});

test("a failing point marked TODO is no failure", () => {
  expect(parseTap("not ok 1 # TODO later\n1..1").failed).toEqual([]);
});

test("an error without a point is found in its YAML block", () => {
  expect(parseTap('TAP version 13\n  ---\n  {\n    "error": "no hook"\n  }\n  ...\n1..0\n').errors).toEqual([
    '"no hook"',
  ]);
});
