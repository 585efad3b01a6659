import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeFault } from "../report/fault.ts";
import { goJson } from "../report/go-json.ts";
import { exampleSpec, writeSpec } from "./spec.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-spec-"));
afterAll(() => rmSync(directory, { recursive: true }));

const golden = (name: string) => readFileSync(join(import.meta.dir, "golden", name), "utf8");

test("the example is byte for byte what runc writes", () => {
  expect(goJson(exampleSpec({ unifiedCgroups: false }), "\t")).toBe(golden("spec.json"));
});

test("the rootless example is byte for byte what runc writes", () => {
  const spec = exampleSpec({ unifiedCgroups: false, rootless: { uid: 1000, gid: 1001 } });
  expect(goJson(spec, "\t")).toBe(golden("spec-rootless.json"));
});

test("on a host with cgroup2 only the container gets a cgroup namespace, before the user namespace", () => {
  const types = (rootless?: { uid: number; gid: number }) =>
    (exampleSpec({ unifiedCgroups: true, rootless }) as { linux: { namespaces: { type: string }[] } }).linux.namespaces
      .map(({ type }) => type)
      .join(" ");
  expect(types()).toBe("pid network ipc uts mount cgroup");
  expect(types({ uid: 1, gid: 1 })).toBe("pid ipc uts mount cgroup user");
});

test("a config.json that is there is not overwritten", () => {
  writeSpec(directory, false, false);
  expect(readFileSync(join(directory, "config.json"), "utf8")).toBe(golden("spec.json"));
  expect(statSync(join(directory, "config.json")).mode & 0o777).toBe(0o666 & ~process.umask());
  expect(() => writeSpec(directory, false, false)).toThrow("File config.json exists. Remove it first");
});

test("a directory that is not there is told with the flag", () => {
  expect(() => writeSpec(join(directory, "nope"), false, false)).toThrow(RuntimeFault);
});
