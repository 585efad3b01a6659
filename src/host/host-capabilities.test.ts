import { expect, test } from "bun:test";
import { release } from "node:os";
import { readHostCapabilities } from "./host-capabilities.ts";

const host = readHostCapabilities();

test("the kernel's release is the one that uname(2) gives", () => {
  expect(host.kernel.release).toBe(release());
  expect(`${host.kernel.major}.${host.kernel.minor}`).toBe(release().split(/[.-]/).slice(0, 2).join("."));
});

test("the effective user is this process's", () => {
  expect(host.euid).toBe(process.geteuid!());
});

test("a machine that runs containers has these namespaces, file systems and seccomp actions", () => {
  for (const name of ["mnt", "pid", "net", "uts", "ipc"]) expect(host.namespaces).toContain(name);
  for (const name of ["proc", "tmpfs", "sysfs"]) expect(host.fileSystems).toContain(name);
  for (const name of ["allow", "errno"]) expect(host.seccompActions).toContain(name);
  expect(host.lastCapability).toBeGreaterThan(30);
  expect(host.controllers.length).toBeGreaterThan(0);
});
