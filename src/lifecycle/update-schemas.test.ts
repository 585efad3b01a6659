/** Over a tree of plain files: what the kernel does with them is its own affair. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerRecord } from "../state/container-record.ts";
import { schemaUpdate } from "./update-schemas.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "resctrl-"));
  mkdirSync(join(root, "info/L3"), { recursive: true });
  mkdirSync(join(root, "box"));
  writeFileSync(join(root, "box/schemata"), "");
});
afterEach(() => rmSync(root, { recursive: true }));

const record = (path?: string) => ({ intel_rdt_path: path }) as ContainerRecord;

test("the lines that are given go into the container's group, when it is time", () => {
  mkdirSync(join(root, "info/MB"));
  const update = schemaUpdate(record(join(root, "box")), { l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20" }, root);
  expect(readFileSync(join(root, "box/schemata"), "utf8")).toBe("");
  update!();
  expect(readFileSync(join(root, "box/schemata"), "utf8")).toBe("L3:0=f\nMB:0=20\n");
});

test("nothing asked for is nothing to do", () => {
  expect(schemaUpdate(record(), {})).toBeUndefined();
});

test("what the processor does not have is refused in runc's words", () => {
  expect(() => schemaUpdate(record(join(root, "box")), { memBwSchema: "MB:0=20" }, root)).toThrow(
    /^Intel RDT\/MBA: memory bandwidth schema is not enabled.*--mem-bw-schema/,
  );
  expect(() => schemaUpdate(record(join(root, "box")), { l3CacheSchema: "L3:0=f" }, join(root, "box"))).toThrow(
    /^Intel RDT\/CAT: l3 cache schema is not enabled.*--l3-cache-schema/,
  );
});

test("a container without a group is refused in runc's words", () => {
  expect(() => schemaUpdate(record(), { l3CacheSchema: "L3:0=f" }, root)).toThrow(
    /^updating a non-existent Intel RDT configuration is not supported/,
  );
});
