import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const base = mkdtempSync(join(tmpdir(), "install-"));
afterAll(() => rmSync(base, { recursive: true }));

/** Stands in for the runtime: nothing else is asked of it here. */
const runtime = join(base, "built");
writeFileSync(runtime, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });

function script(action: string, ...options: string[]) {
  const done = Bun.spawnSync(["bash", join(import.meta.dir, "install-system.sh"), action, ...options], {
    env: { ...process.env, RUNTIME: runtime, DESTDIR: "" },
    stderr: "pipe",
  });
  return { code: done.exitCode, said: done.stdout.toString() + done.stderr.toString() };
}

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

test("every file is told, the executable runs where it was put, and uninstall leaves only what is others'", () => {
  const prefix = join(base, "one");
  mkdirSync(join(prefix, "sbin"), { recursive: true });
  const other = join(prefix, "sbin/other");
  writeFileSync(other, "");

  const { code, said } = script("install", "--prefix", prefix, "--as-runc");
  expect(code, said).toBe(0);
  const told = said.split("\n").flatMap((line) => /^(?:installed|linked) +(\S+)/.exec(line)?.[1] ?? []);
  expect([...told, other].sort()).toEqual(files(prefix));
  expect(said).toEndWith("--version\n");
  expect(readFileSync(join(prefix, "share/bash-completion/completions/runts"), "utf8")).toBe("completion bash\n");
  expect(lstatSync(join(prefix, "sbin/runts")).mode & 0o777).toBe(0o755);

  expect(script("install", "--prefix", prefix).code).toBe(0);
  expect(script("uninstall", "--prefix", prefix).code).toBe(0);
  expect(files(prefix)).toEqual([other]);
  expect(script("uninstall", "--prefix", prefix)).toEqual({ code: 0, said: `nothing of runts is below ${prefix}\n` });
});

test("a runc that is there is not replaced, and one that is not ours is not removed", () => {
  const prefix = join(base, "two");
  mkdirSync(join(prefix, "sbin"), { recursive: true });
  writeFileSync(join(prefix, "sbin/runc"), "another");
  expect(script("install", "--prefix", prefix, "--as-runc").code).toBe(1);
  expect(script("uninstall", "--prefix", prefix).code).toBe(0);
  expect(files(prefix)).toEqual([join(prefix, "sbin/runc")]);
});

test("a relative prefix and an unknown option are refused before anything is written", () => {
  expect(script("install", "--prefix", "some/where").code).toBe(2);
  expect(script("install", "--user").code).toBe(2);
  expect(existsSync("some")).toBe(false);
});
