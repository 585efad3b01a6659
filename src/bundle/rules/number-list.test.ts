import { expect, test } from "bun:test";
import { countNumberList } from "./number-list.ts";

test.each([
  ["", 0],
  ["0", 1],
  ["0-3,7", 5],
  [" 1 , 2 ", 2],
  [",,1", 1],
  ["65536", 1],
  ["65537", undefined],
  ["3-1", undefined],
  ["0-", undefined],
  ["-1", undefined],
  ["1-2-3", undefined],
  ["a", undefined],
  ["0x1", undefined],
  ["999999999999", undefined],
])("the list %p names %p numbers", (list, count) => {
  expect(countNumberList(list)).toBe(count as number);
});
