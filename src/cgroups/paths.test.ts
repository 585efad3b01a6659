import { expect, test } from "bun:test";
import type { CgroupLayout } from "../host/cgroup-layout.ts";
import { cgroupPaths, looksLikeSystemd } from "./paths.ts";

function legacy(...keys: string[]): CgroupLayout {
  const hierarchies = keys.map((key) => ({
    key,
    controllers: key,
    mountPoint: `/cg/${key || "unified"}`,
    ownPath: key === "memory" ? "/own/here" : "/",
  }));
  return { mode: keys.includes("") ? "hybrid" : "v1", hierarchies };
}

function unified(ownPath: string): CgroupLayout {
  return { mode: "v2", hierarchies: [{ key: "", controllers: "", mountPoint: "/cg", ownPath }] };
}

test("in v1 a path is below the mount point, or below the own cgroup when it is relative or absent", () => {
  const layout = legacy("memory", "devices");
  const memory = (path: string | undefined) => cgroupPaths(path, "id", layout).memory;
  expect(memory(undefined)).toBe("/cg/memory/own/here/id");
  expect(memory("")).toBe("/cg/memory/own/here/id");
  expect(memory("a/b")).toBe("/cg/memory/own/here/a/b");
  expect(memory("/a/b")).toBe("/cg/memory/a/b");
  expect(cgroupPaths("a", "id", layout).devices).toBe("/cg/devices/a");
});

test("in v2 a relative path is beside the own cgroup", () => {
  expect(cgroupPaths(undefined, "id", unified("/user/shell"))).toEqual({ "": "/cg/user/id" });
  expect(cgroupPaths("a/b", "id", unified("/user/shell"))).toEqual({ "": "/cg/user/a/b" });
  expect(cgroupPaths("/a/b", "id", unified("/user/shell"))).toEqual({ "": "/cg/a/b" });
  expect(cgroupPaths(undefined, "id", unified("/shell"))).toEqual({ "": "/cg/id" });
  expect(cgroupPaths(undefined, "id", unified("/"))).toEqual({ "": "/cg/id" });
});

test("dots lead nowhere out", () => {
  const path = (cgroupsPath: string) => cgroupPaths(cgroupsPath, "id", unified("/u/s"))[""];
  expect(path("../../x")).toBe("/cg/u/x");
  expect(path("/../../../x")).toBe("/cg/x");
  expect(path("a/../../b")).toBe("/cg/u/b");
  expect(path("/./a//b/")).toBe("/cg/a/b");
});

test("the hierarchy's root and the own cgroup are refused", () => {
  for (const path of ["/", "//", "/.", "/a/..", ".", "a/.."]) {
    expect(() => cgroupPaths(path, "id", unified("/u/s"))).toThrow("resolves to the root of the hierarchy");
  }
});

test("a newline is refused before the kernel sees it", () => {
  expect(() => cgroupPaths("/a\nb", "id", unified("/"))).toThrow("newline");
});

test("the order is the one of joining, cpuset first and the hybrid directory last", () => {
  const layout = legacy("", "misc", "name=systemd", "freezer", "memory", "debug", "devices", "cpuset");
  expect(Object.keys(cgroupPaths("/a", "id", layout))).toEqual([
    "cpuset",
    "devices",
    "memory",
    "freezer",
    "name=systemd",
    "misc",
    "",
  ]);
});

test("v1 without the devices controller is refused", () => {
  expect(() => cgroupPaths("/a", "id", legacy("memory"))).toThrow("subsystem does not exist: devices");
});

test("no cgroup mount at all is refused", () => {
  expect(() => cgroupPaths("/a", "id", { mode: "v2", hierarchies: [] })).toThrow("no cgroup hierarchy is mounted");
});

test("slice:prefix:name is known for what it is", () => {
  expect(looksLikeSystemd("system.slice:docker:abc")).toBe(true);
  expect(looksLikeSystemd("/a:b:c/d")).toBe(false);
  expect(looksLikeSystemd("a:b")).toBe(false);
});
