import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followMissing } from "./follow-missing.ts";

const root = mkdtempSync(join(tmpdir(), "runts-follow-"));
afterAll(() => rmSync(root, { recursive: true }));

mkdirSync(join(root, "etc"));
for (const [name, target] of [
  ["etc/resolv.conf", "../run/systemd/resolve/stub.conf"],
  ["etc/absolute", "/run/absolute"],
  ["etc/outside", "../../../../../../tmp/x"],
  ["etc/chain", "absolute"],
  ["etc/directory", "/var/lib"],
  ["etc/self", "self"],
  ["etc/above", ".."],
] as const) {
  symlinkSync(target, join(root, name));
}

const rows: [path: string, followed: string | undefined][] = [
  ["etc/resolv.conf", "run/systemd/resolve/stub.conf"],
  ["etc/absolute", "run/absolute"],
  ["etc/chain", "run/absolute"],
  ["etc/directory/db/file", "var/lib/db/file"],
  // Whatever it says, it stays inside.
  ["etc/outside", "tmp/x"],
  ["etc/above/../../data", "data"],
  // No link: there is nothing to follow.
  ["etc/missing/file", undefined],
  ["etc", undefined],
  ["etc/self", undefined],
];
for (const [path, followed] of rows) {
  test(`${path} names ${followed ?? "what it says"}`, () => expect(followMissing(root, path)).toBe(followed!));
}
