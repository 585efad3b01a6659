import { afterAll, expect, test } from "bun:test";
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "runts-caller-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A file of this user. */
function file(uid: number): string {
  const path = join(directory, `of-${uid}`);
  writeFileSync(path, "");
  chownSync(path, uid, uid);
  return path;
}

/** What a process with these standard descriptors would give to a user. */
function owned(uid: number, stdin: string, stdout: string, stderr: string, terminals = true): unknown {
  const answer = join(directory, "answer");
  const module = JSON.stringify(join(import.meta.dir, "caller.ts"));
  const code = `require("node:fs").writeFileSync(${JSON.stringify(answer)}, JSON.stringify(require(${module}).stdioToOwn(${uid}, ${terminals})))`;
  const fds = [openSync(stdin, "r"), openSync(stdout, "w"), openSync(stderr, "w")];
  const child = Bun.spawnSync([process.execPath, "-e", code], { stdio: fds as never });
  for (const fd of fds) closeSync(fd);
  expect(child.exitCode).toBe(0);
  return JSON.parse(readFileSync(answer, "utf8"));
}

test("standard streams that are another's are given to the container's user, but never /dev/null", () => {
  expect(owned(1000, file(0), file(7), "/dev/null")).toEqual([0, 1]);
});

test("what is the user's already stays as it is", () => {
  expect(owned(1000, file(1000), file(0), file(1000))).toEqual([1]);
});

test("other devices than /dev/null change hands like anything else", () => {
  expect(owned(1000, "/dev/zero", "/dev/null", "/dev/full")).toEqual([0, 2]);
});

test("a terminal stays whose it is, when asked", () => {
  // Opening the multiplexer makes a terminal.
  const zero = file(0);
  expect(owned(1000, "/dev/ptmx", zero, zero, true)).toEqual([0, 1, 2]);
  expect(owned(1000, "/dev/ptmx", zero, zero, false)).toEqual([1, 2]);
});
