import { describe, expect, test } from "bun:test";
import { prose } from "./command-prose.ts";
import { commands } from "./command-table.ts";
import { helpText } from "./help.ts";

const names = Object.keys(commands);

test("the program's help has runc's headings, and a line for each command that is not hidden", () => {
  const lines = helpText(undefined).split("\n");
  expect(lines[0]).toBe("NAME:");
  expect(lines[1]).toEndWith("runc - Open Container Initiative runtime");
  expect(lines.filter((line) => /^[A-Z ]+:$/.test(line))).toEqual([
    "NAME:",
    "USAGE:",
    "VERSION:",
    "COMMANDS:",
    "GLOBAL OPTIONS:",
  ]);
  const from = lines.indexOf("COMMANDS:") + 1;
  const listed = lines.slice(from, lines.indexOf("", from)).map((line) => line.trim().split(/ {2,}/)[0]);
  expect(listed).toEqual([...names.filter((name) => !commands[name]!().hidden), "help, h"]);
});

describe("the help of", () => {
  for (const name of names) {
    test(name, () => {
      const text = helpText(name);
      const spec = commands[name]!();
      expect(text).toStartWith(`NAME:\n   runts ${name} - ${spec.summary}\n\nUSAGE:\n   runts ${name} `);
      for (const option of spec.options) expect(text.includes(`   --${option.name}`)).toBe(option.hidden !== true);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
      expect(text).toMatch(/[^\n]\n$/);
    });
  }
});

test("every command has more to say than its line in the table", () => {
  expect(names.filter((name) => prose[name] === undefined)).toEqual([]);
});
