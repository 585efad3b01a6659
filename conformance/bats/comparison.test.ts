import { expect, test } from "bun:test";
import { failuresOf, resultLines, rowsOf, summaryLines } from "./comparison.ts";
import type { Outcome, TestResult } from "./tap.ts";

const result = (name: string, outcome: Outcome, reason = ""): TestResult => ({
  caller: "root",
  test: name,
  outcome,
  reason,
});

test("a test that only the peer passes is a failure, whether it fails, is skipped or was never reached", () => {
  const judged = [
    result("both", "pass"),
    result("fails", "fail"),
    result("skips", "skip", "no"),
    result("alike", "fail"),
  ];
  const peer = ["both", "fails", "skips", "reached"].map((name) => result(name, "pass"));
  const rows = rowsOf("a.bats", [judged, [...peer, result("alike", "fail")]]);
  expect(failuresOf(rows).map((row) => row.test)).toEqual(["fails", "skips", "reached"]);
});

test("without a peer every failure counts, and a skipped test does not", () => {
  const rows = rowsOf("a.bats", [[result("fails", "fail"), result("skips", "skip", "no"), result("passes", "pass")]]);
  expect(failuresOf(rows).map((row) => row.test)).toEqual(["fails"]);
});

test("what is asked of runc alone is no failure", () => {
  const name = "runc run [/proc/self/exe clone]";
  expect(failuresOf(rowsOf("run.bats", [[result(name, "fail")], [result(name, "pass")]]))).toEqual([]);
});

test("what both skip for one reason is counted below the table", () => {
  const skipped = result("a", "skip", "requires criu");
  const lines = resultLines(rowsOf("a.bats", [[skipped, result("b", "pass")], [skipped]]), ["runts", "runc"]);
  expect(lines).toContain("| a.bats | b    | pass  | not run |");
  expect(lines).toContain("| requires criu | 1     |");
});

test("a test that was not reached counts as failed", () => {
  const lines = summaryLines(rowsOf("a.bats", [[result("b", "pass")], []]), ["runts", "runc"]);
  expect(lines.slice(2)).toEqual([
    "| root | runts   | 1    | 0    | 0    |",
    "| root | runc    | 0    | 1    | 0    |",
  ]);
});
