import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { absolutePath, makeContainerDirectory, stateRoot, validateId } from "./state-root.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-root-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("an id is made of letters, digits and _ + - . and is not a path", () => {
  for (const id of ["a", "A-1_b+c.d", "...", "-x", "x".repeat(255)]) expect(() => validateId(id)).not.toThrow();
  expect(() => validateId("")).toThrow("container id cannot be empty");
  for (const id of [".", "..", "a/b", "../x", "a b", "a:b", "@x", "é", "a\n", "a\0b", "x".repeat(256)]) {
    expect(() => validateId(id)).toThrow("invalid container ID format");
  }
});

test("a path is made absolute without looking at links", () => {
  expect(absolutePath("/a//b/./../c/")).toBe("/a/c");
  expect(absolutePath("/../..")).toBe("/");
  expect(absolutePath("x")).toBe(join(process.cwd(), "x"));
});

test("the root directory cannot be the state root, and an empty one counts as none", () => {
  expect(() => stateRoot("/x/..")).toThrow("Option --root argument should not be set to /");
  expect(stateRoot("").isDefault).toBe(true);
});

test("of several attempts to make a container's directory the first wins", () => {
  const root = join(directory, "deep", "root");
  const made = makeContainerDirectory(root, "c");
  expect(statSync(made).mode & 0o777).toBe(0o711 & ~process.umask());
  expect(statSync(root).mode & 0o777).toBe(0o700);
  expect(() => makeContainerDirectory(root, "c")).toThrow("container with given ID already exists");
});

test("a root that cannot be made is told with the flag", () => {
  expect(() => makeContainerDirectory("/proc/version/x", "c")).toThrow("not a directory (ENOTDIR) [at --root");
});
