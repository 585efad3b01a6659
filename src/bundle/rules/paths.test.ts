import { expect, test } from "bun:test";
import { testRows } from "../document-table.ts";
import { lexicalPath } from "./paths.ts";

test.each([
  ["/", "/"],
  ["", "/"],
  ["/a/b", "/a/b"],
  ["a//b/", "/a/b"],
  ["/../a", "/a"],
  ["/a/./../..", "/"],
  ["/a/.hidden", "/a/.hidden"],
  ["/a/..b", "/a/..b"],
])("%p is %p below a root without links", (path, expected) => {
  expect(lexicalPath(path)).toBe(expected);
});

const longest = `/${"p".repeat(4094)}`;

testRows([
  ["a path may have 4095 bytes", { "/process/cwd": longest, "/linux/maskedPaths": [longest] }],
  ["a root of more is refused", { "/root/path": `${longest}x` }, "/root/path: path is too long"],
  ["bytes are counted, not letters", { "/process/cwd": `/${"é".repeat(2048)}` }, "/process/cwd: path is too long"],
  ["masked paths have a length", { "/linux/maskedPaths": [`${longest}x`] }, "/linux/maskedPaths/0: path is too long"],
  ["so have cgroups'", { "/linux/cgroupsPath": `${longest}x` }, "/linux/cgroupsPath: path is too long"],
  [
    "and devices'",
    { "/linux/devices": [{ path: `${longest}x`, type: "c", major: 1, minor: 3 }] },
    "/linux/devices/0/path: path is too long",
  ],
  [
    "and mount points'",
    { "/mounts": [{ destination: `${longest}x`, type: "tmpfs" }] },
    "/mounts/0/destination: path is too long",
  ],
  ["a root has a path", { "/root/path": "" }, "/root/path: invalid rootfs: root.path must not be empty"],
  ["a root is there", { "/root": undefined }, "/root: root must be specified"],
  ["masked paths are absolute", { "/linux/maskedPaths": ["/a", "b"] }, "/linux/maskedPaths/1: path is not absolute"],
  ["masked paths are not empty", { "/linux/maskedPaths": [""] }, "/linux/maskedPaths/0: path is not absolute"],
  ["the root is not masked", { "/linux/maskedPaths": ["/a/.."] }, "/linux/maskedPaths/0: path is the container's root"],
  [
    "read-only paths are absolute",
    { "/linux/readonlyPaths": ["proc"] },
    "/linux/readonlyPaths/0: path is not absolute",
  ],
  ["a cgroup path below the root is accepted", { "/linux/cgroupsPath": "/a/../b" }],
  ["a cgroup path may climb, it is clamped", { "/linux/cgroupsPath": "../../x" }],
  ["an empty cgroup path is none", { "/linux/cgroupsPath": "" }],
  [
    "a cgroup path is not the root",
    { "/linux/cgroupsPath": "//." },
    "/linux/cgroupsPath: cgroupsPath resolves to the root of the hierarchy",
  ],
  [
    "nor by way of its child",
    { "/linux/cgroupsPath": "/a/.." },
    "/linux/cgroupsPath: cgroupsPath resolves to the root of the hierarchy",
  ],
  [
    "nor the caller's own cgroup",
    { "/linux/cgroupsPath": ".." },
    "/linux/cgroupsPath: cgroupsPath resolves to the root of the hierarchy",
  ],
  [
    "a cgroup path has no newline",
    { "/linux/cgroupsPath": "/a\nb" },
    "/linux/cgroupsPath: cgroupsPath contains a newline",
  ],
]);
