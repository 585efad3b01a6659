import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ContainerRecord,
  putReplacement,
  readEarlierRecord,
  readRecord,
  stageReplacement,
  writeRecord,
} from "./container-record.ts";

const root = mkdtempSync(join(tmpdir(), "record-test-"));
afterAll(() => rmSync(root, { recursive: true }));

const record: ContainerRecord = {
  id: "c",
  ociVersion: "1.3.0",
  status: "creating",
  bundle: "/b",
  rootfs: "/b/rootfs",
  created: "2026-11-29T00:00:00Z",
  init_process_pid: 0,
  init_process_start: 0,
  rootless: false,
  private_pid_namespace: true,
};
mkdirSync(join(root, "c"));

test("a record is replaced when it is put, not when it is staged; that of the creation stays beside it", () => {
  const ready = { ...record, status: "ready", init_process_pid: 7 } as const;
  writeRecord(root, record);
  stageReplacement(root, { ...ready, init_process_pid: 6 });
  // Once more, with what is known by now.
  stageReplacement(root, ready);
  expect(readRecord(root, "c")).toEqual(record);
  putReplacement(root, "c");
  expect(readRecord(root, "c")).toEqual(ready);
  expect(readEarlierRecord(root, "c")).toEqual(record);
  expect(readdirSync(join(root, "c")).length).toBe(2);
});

test("nothing staged is an error that names the state file", () => {
  rmSync(join(root, "c/creating.json"));
  expect(() => putReplacement(root, "c")).toThrow("unable to store the container's state");
});

test("a damaged record is told, and its path", () => {
  writeFileSync(join(root, "c/state.json"), '{"id":"c"');
  expect(() => readRecord(root, "c")).toThrow(join(root, "c/state.json"));
  expect(readEarlierRecord(root, "c")).toBeUndefined();
});
