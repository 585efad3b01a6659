import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentWith } from "./document-table.ts";
import { readBundle } from "./read-bundle.ts";
import { readProcessFile } from "./read-process.ts";

let scratch: string;
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "runts-read-bundle-")));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
function bundle(content?: string | Uint8Array): string {
  const directory = join(scratch, `b${count++}`);
  mkdirSync(directory);
  if (content !== undefined) writeFileSync(join(directory, "config.json"), content);
  return directory;
}

function refusal(directory: string): string {
  try {
    readBundle(directory);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
}

test("a bundle is read with its physical directory, its text and its warnings", () => {
  const text = documentWith({ "/windows": {} });
  const directory = bundle(text);
  symlinkSync(directory, join(scratch, "link"));
  const read = readBundle(join(scratch, "link"));
  expect(read.directory).toBe(directory);
  expect(read.configText).toBe(text);
  expect(read.config.process.args).toEqual(["sh"]);
  expect(read.warnings.map((one) => one.pointer)).toEqual(["/windows"]);
});

test("a config.json larger than any buffer is read whole", () => {
  const annotations = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key${i}`, "x".repeat(50)]));
  expect(readBundle(bundle(documentWith({ "/annotations": annotations }))).config.annotations).toEqual(annotations);
});

test("a missing config.json is told in runc's words", () => {
  expect(refusal(bundle())).toStartWith("JSON specification file config.json not found");
});

test("a missing bundle is told with its path", () => {
  expect(refusal(join(scratch, "nowhere"))).toBe(`chdir ${scratch}/nowhere: no such file or directory (ENOENT)`);
});

test("a config.json that is a directory is refused", () => {
  const directory = bundle();
  mkdirSync(join(directory, "config.json"));
  expect(refusal(directory)).toBe("read config.json: is a directory (EISDIR)");
});

test("a config.json that is a FIFO is refused without waiting for a writer", () => {
  const directory = bundle();
  execFileSync("mkfifo", [join(directory, "config.json")]);
  expect(refusal(directory)).toBe("read config.json: not a regular file");
});

test("a config.json of more than 32 MiB is refused unread", () => {
  const directory = bundle("{");
  truncateSync(join(directory, "config.json"), (32 << 20) + 1);
  expect(refusal(directory)).toStartWith("read config.json: larger than 33554432 bytes");
});

test("a byte order mark is refused", () => {
  expect(refusal(bundle(`\ufeff${documentWith({})}`))).toContain("1:1: begins with a byte order mark");
});

test("bytes that are not UTF-8 are refused, U+FFFD itself is not", () => {
  const bytes = Buffer.from(documentWith({ "/process/cwd": "/\u0001" }).replace("\\u0001", "\u0001"));
  bytes[bytes.indexOf(1)] = 0xff;
  expect(refusal(bundle(bytes))).toBe("invalid JSON in config.json: not UTF-8");
  expect(refusal(bundle(documentWith({ "/process/cwd": "/\ufffd" })))).toBe("accepted");
});

test("the message begins with the first fault and lists the others, one a line", () => {
  const message = refusal(bundle(documentWith({ "/process/cwd": "x", "/process/args": [], "/hostname": "h" })));
  expect(message.split("\n")).toEqual([
    'Cwd must be an absolute path [at /process/cwd, value "x"]; and also',
    "  /process/args: args must not be empty",
    '  /hostname: unable to set hostname without a private UTS namespace [value "h"]',
  ]);
});

test("a document that is no JSON is told with the file's name", () => {
  expect(refusal(bundle('{"a" 1}'))).toBe(
    'invalid JSON: 1:6: unexpected "1", expected ":" after a key [at config.json]',
  );
});

test("a process file is read as strictly", () => {
  const path = join(scratch, "process.json");
  writeFileSync(path, '{"args":["sh"],"cwd":"/"}');
  expect(readProcessFile(path)).toEqual({ args: ["sh"], cwd: "/" });
  writeFileSync(path, '{"args":["sh"],"cwd":"x"}');
  expect(() => readProcessFile(path)).toThrow("Cwd must be an absolute path");
  expect(() => readProcessFile(join(scratch, "none.json"))).toThrow("no such file or directory");
});
