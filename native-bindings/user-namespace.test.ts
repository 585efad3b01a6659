import { expect, test } from "bun:test";
import { mapsEverything } from "./user-namespace.ts";

test("the first user namespace maps every id to itself, and is the only one of a kernel without them", () => {
  expect(mapsEverything("         0          0 4294967295\n")).toBe(true);
  expect(mapsEverything(undefined)).toBe(true);
});

test("a rootless engine's namespace, and a nested one that maps all of its parent's ids, are others", () => {
  expect(mapsEverything("         0      54321          1\n         1     600000      65536\n")).toBe(false);
  expect(mapsEverything("         0          0      65536\n")).toBe(false);
});
