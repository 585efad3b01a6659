import { expect, test } from "bun:test";
import { excerpt, logExcerpt } from "./log-excerpt.ts";

const log = (...wrong: number[]) =>
  Array.from({ length: 30 }, (_, i) => (wrong.includes(i + 1) ? "Error (x)" : `l${i + 1}`)).join("\n");

test("an error is quoted with the five lines before it and their numbers", () => {
  expect(excerpt(log(10), "/w/dump.log")).toEqual([
    '--- Quoting "/w/dump.log"',
    "5:l5",
    "6:l6",
    "7:l7",
    "8:l8",
    "9:l9",
    "10:Error (x)",
    "---",
  ]);
});

test("errors close to each other share their lines, and a gap is marked", () => {
  expect(excerpt(log(1, 3, 20), "p")).toEqual([
    '--- Quoting "p"',
    "1:Error (x)",
    "2:l2",
    "3:Error (x)",
    "...",
    "15:l15",
    "16:l16",
    "17:l17",
    "18:l18",
    "19:l19",
    "20:Error (x)",
    "---",
  ]);
});

test("a log without errors has nothing to quote, and a missing one is told", () => {
  expect(excerpt(log(), "p")).toEqual([]);
  expect(logExcerpt("/nope/dump.log")).toEqual(["criu left no log at /nope/dump.log"]);
});
