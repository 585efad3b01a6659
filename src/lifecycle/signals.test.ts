import { expect, test } from "bun:test";
import { parseSignal } from "./signals.ts";

test("signals are known by number and by name, with or without SIG, in any case", () => {
  expect(["9", "0", "64", "KILL", "SIGKILL", "sigterm", "hup", "SYS", "37"].map(parseSignal)).toEqual([
    9, 0, 64, 9, 9, 15, 1, 31, 37,
  ]);
});

test("other names are refused as runc refuses them", () => {
  for (const name of ["NOPE", "SIG", "", " ", "IOT", "POLL", "CLD", "RTMIN", "9x"]) {
    expect(() => parseSignal(name)).toThrow(`unknown signal ${JSON.stringify(name)}`);
  }
});

test("a number that is no signal is refused before it is cut to 32 bits", () => {
  for (const number of ["65", "999", "-1", "4294967305"]) expect(() => parseSignal(number)).toThrow("invalid argument");
});
