import { expect, test } from "bun:test";
import type { CheckResult } from "./check.ts";
import { behind, lineOf, type Results, verdict } from "./verdicts.ts";

const result = (ok: boolean, machine = ""): CheckResult => ({ name: "", ok, why: ok ? "" : "wrong", machine });
const rows = (...entries: [string, Record<string, CheckResult>][]): Results =>
  new Map(entries.map(([name, row]) => [name, new Map(Object.entries(row))]));

test("the machine is blamed only for what fails", () => {
  expect(verdict(result(true, "no criu"))).toBe("ok");
  expect(verdict(result(false, "no criu"))).toBe("machine");
  expect(verdict(result(false))).toBe("FAIL");
  expect(verdict(undefined)).toBe("-");
});

test("what counts is what a peer passes, and what was never reached", () => {
  const results = rows(
    ["both", { runts: result(true), runc: result(true) }],
    ["neither", { runts: result(false), runc: result(false) }],
    ["only runc", { runts: result(false), runc: result(true) }],
    ["only runc, blamed on the machine", { runts: result(false, "no criu"), runc: result(true, "no criu") }],
    ["not reached", { runc: result(true) }],
    ["only runts", { runts: result(true), runc: result(false) }],
  );
  expect(behind(results, "runts", ["runc"])).toEqual(["only runc", "only runc, blamed on the machine", "not reached"]);
});

test("without a peer, everything counts but what the machine cannot do", () => {
  const results = rows(
    ["a", { runts: result(true) }],
    ["b", { runts: result(false) }],
    ["c", { runts: result(false, "no") }],
  );
  expect(behind(results, "runts", [])).toEqual(["b"]);
});

test("a line has the verdicts side by side and the machine's reason once", () => {
  const row = new Map([
    ["runts", result(false, "no criu")],
    ["runc", result(false, "no criu")],
  ]);
  expect(lineOf("checkpoint", row, ["runts", "runc"])).toBe("  machine | machine  checkpoint  (no criu)");
});
