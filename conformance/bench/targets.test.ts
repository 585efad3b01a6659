import { expect, test } from "bun:test";
import { median } from "./hyperfine.ts";
import { isMissed, targetLine, targets } from "./targets.ts";

const measured = (run: number) =>
  new Map([
    [
      "run",
      new Map([
        ["runts", run],
        ["runc", 30],
      ]),
    ],
  ]);

test("a ratio above its limit is a missed target", () => {
  const [run] = targets(measured(18), "runts");
  expect(isMissed(run!)).toBe(true);
  expect(targetLine(run!)).toBe("MISSED: run, of runc's time ≤ 0.55 (0.60)");
});

test("a ratio below its limit is met, and one without the peer is not measured", () => {
  const [run, crun] = targets(measured(12), "runts");
  expect(targetLine(run!)).toStartWith("met: ");
  expect(targetLine(crun!)).toStartWith("not measured: ");
  expect(isMissed(crun!)).toBe(false);
});

test("the median of an even number of values lies between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
});
