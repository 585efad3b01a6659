import { afterEach, expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { EINVAL } from "../../native-bindings/errno.ts";
import type { LinuxIDMapping } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { groupsAreDenied, isOwnIdOnly, writeIdMaps } from "./id-maps.ts";

const unsupported =
  readFileSync("/proc/sys/user/max_user_namespaces", "utf8").trim() === "0" || process.getuid!() !== 0;
const withNamespaces = test.skipIf(unsupported);

const children: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process in a user namespace of its own, without maps. */
async function unmapped(): Promise<number> {
  const child = Bun.spawn(["unshare", "--user", "sleep", "100"], { stdio: ["ignore", "ignore", "ignore"] });
  children.push(child);
  const own = readlinkSync("/proc/self/ns/user");
  for (const deadline = Date.now() + 5000; readlinkSync(`/proc/${child.pid}/ns/user`) === own; await Bun.sleep(2)) {
    if (Date.now() > deadline) throw new Error("no user namespace within 5 s");
  }
  return child.pid;
}

const map = (containerID: number, hostID: number, size: number): LinuxIDMapping => ({ containerID, hostID, size });

function mapsOf(pid: number, kind: "uid" | "gid"): string[] {
  const lines = readFileSync(`/proc/${pid}/${kind}_map`, "utf8").trim().split("\n");
  return lines.map((line) => line.trim().split(/\s+/).join(" "));
}

withNamespaces("both maps are written, each line of them", async () => {
  const pid = await unmapped();
  writeIdMaps(pid, [map(0, 100000, 65536), map(65536, 300000, 1)], [map(0, 200000, 10)]);
  expect(mapsOf(pid, "uid")).toEqual(["0 100000 65536", "65536 300000 1"]);
  expect(mapsOf(pid, "gid")).toEqual(["0 200000 10"]);
});

withNamespaces("root leaves setgroups(2) as it is", async () => {
  const pid = await unmapped();
  writeIdMaps(pid, [map(0, 1000, 1)], [map(0, process.getgid!(), 1)]);
  expect(readFileSync(`/proc/${pid}/setgroups`, "utf8").trim()).toBe("allow");
  expect(groupsAreDenied([map(0, process.getgid!(), 1)])).toBe(false);
});

withNamespaces("a map that the kernel refuses is told with its place and content", async () => {
  const pid = await unmapped();
  let caught: unknown;
  try {
    writeIdMaps(pid, [map(0, 100000, 10), map(5, 200000, 10)], [map(0, 100000, 10)]);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(RuntimeFault);
  const { where, errno, value } = (caught as RuntimeFault).facts;
  expect({ where, errno, value }).toEqual({
    where: "/linux/uidMappings",
    errno: EINVAL,
    value: "0 100000 10\n5 200000 10",
  });
});

test("only one mapping of one id, the caller's, is the caller's own id", () => {
  const own = process.getegid!();
  expect(isOwnIdOnly([map(0, own, 1)])).toBe(true);
  expect(isOwnIdOnly([map(1000, own, 1)])).toBe(true);
  expect(isOwnIdOnly([map(0, own, 2)])).toBe(false);
  expect(isOwnIdOnly([map(0, own + 1, 1)])).toBe(false);
  expect(isOwnIdOnly([map(0, own, 1), map(1, 100000, 1)])).toBe(false);
  expect(isOwnIdOnly([])).toBe(false);
});
