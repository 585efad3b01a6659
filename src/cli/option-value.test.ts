import { expect, test } from "bun:test";
import { parseBool, parseDuration, parseInteger } from "./option-value.ts";

test("durations are read as Go reads them", () => {
  expect(parseDuration("5s")).toBe(5000);
  expect(parseDuration("1m30s")).toBe(90_000);
  expect(parseDuration("100ms")).toBe(100);
  expect(parseDuration("-1.5h")).toBe(-5_400_000);
  expect(parseDuration("0")).toBe(0);
  for (const bad of ["", "5", "s", "1 s", "1d", "."]) expect(parseDuration(bad)).toBeUndefined();
});

test("integers are read as Go reads them", () => {
  expect(["7", "-7", "+7", "0x1F", "0o17", "017", "0b11", "-0"].map(parseInteger)).toEqual([
    7, -7, 7, 31, 15, 15, 3, 0,
  ]);
  for (const bad of ["", "-", "09", "0x", "1e3", "1.0", " 1", "9007199254740993"])
    expect(parseInteger(bad)).toBeUndefined();
});

test("only Go's spellings are truth values", () => {
  expect(["1", "t", "TRUE", "0", "False", "yes", ""].map(parseBool)).toEqual([
    true,
    true,
    true,
    false,
    false,
    undefined,
    undefined,
  ]);
});
