import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeFault } from "./fault.ts";
import { openLog } from "./log.ts";
import { goQuoted, jsonLine, rfc3339, terminalLine, textLine } from "./log-line.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-log-"));
afterAll(() => rmSync(directory, { recursive: true }));

const time = new Date("2026-11-21T02:12:46.789Z");
const stamp = rfc3339(time);

test("a JSON line has its keys sorted and HTML characters escaped", () => {
  expect(jsonLine("error", "a <b> & c", time)).toBe(
    `{"level":"error","msg":"a \\u003cb\\u003e \\u0026 c","time":"${stamp}"}\n`,
  );
});

test("a text line quotes what has spaces and leaves plain words bare", () => {
  expect(textLine("warning", "bare/word-1", time)).toBe(`time="${stamp}" level=warning msg=bare/word-1\n`);
  expect(textLine("error", 'say "x"', time)).toBe(`time="${stamp}" level=error msg="say \\"x\\""\n`);
});

test("a time is RFC 3339 without fractions", () => {
  expect(stamp).toMatch(/^2026-11-2\dT\d\d:\d\d:46(Z|[+-]\d\d:\d\d)$/);
});

test("a terminal gets the short coloured form", () => {
  expect(terminalLine("error", "no\n", 7)).toBe(`\x1b[31mERRO\x1b[0m[0007] ${"no".padEnd(44)} \n`);
  expect(terminalLine("warning", "w", 0)).toStartWith("\x1b[33mWARN\x1b[0m[0000] w");
});

test("control characters are quoted as Go quotes them", () => {
  expect(goQuoted("a\n\t\x01\x7f\u0080\u2028é日\\")).toBe('"a\\n\\t\\x01\\x7f\\u0080\\u2028é日\\\\"');
});

test("the log file exists once the log is open, and lines are appended to it", () => {
  const path = join(directory, "log.json");
  const log = openLog({ path, format: "json", debug: false });
  expect(statSync(path).size).toBe(0);
  log.error("one");
  openLog({ path, format: "json", debug: false }).warn("two");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["one", "two"]);
});

test("debug lines are written only when debugging", () => {
  const path = join(directory, "debug.log");
  openLog({ path, format: "text", debug: false }).debug("hidden");
  openLog({ path, format: "text", debug: true }).debug("shown");
  expect(readFileSync(path, "utf8")).toMatch(/^time="[^"]+" level=debug msg=shown\n$/);
});

test("a stage is told with the time since the start, and since the last one, only when debugging", () => {
  const path = join(directory, "stages.log");
  openLog({ path, format: "text", debug: false }).stage("hidden");
  const log = openLog({ path, format: "text", debug: true });
  log.stage("bundle read");
  log.stage("planned");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const [first, second] = lines.map((line) =>
    /msg="\S.* \(([0-9.]+) ms, \+([0-9.]+)\)"$/.exec(line)!.slice(1).map(Number),
  );
  expect(lines).toHaveLength(2);
  expect(first![0]).toBe(first![1]!);
  expect(second![0]! - first![0]!).toBeCloseTo(second![1]!, 0);
});

test("a FIFO that nobody reads is refused at once", () => {
  const path = join(directory, "fifo");
  Bun.spawnSync(["mkfifo", path]);
  expect(() => openLog({ path, format: "text", debug: false })).toThrow(RuntimeFault);
});

test("a log that cannot be opened is told with its path and errno", () => {
  const path = join(directory, "missing", "log");
  expect(() => openLog({ path, format: "text", debug: false })).toThrow(
    `open ${path}: no such file or directory (ENOENT) [at --log]`,
  );
});
