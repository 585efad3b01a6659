import { expect } from "bun:test";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, runBundle } = containers("bind-flags");
const source = join(base, "source");
const host = 100_000;
const mapping = [{ containerID: 0, hostID: host, size: 65_536 }];

function mount(...args: string[]): void {
  const done = Bun.spawnSync(["mount", ...args]);
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
}

const inUserNamespace: Edit = (config) => {
  config.linux.namespaces.push({ type: "user" });
  config.linux.uidMappings = mapping;
  config.linux.gidMappings = mapping;
};

/** Binds the source, with its own flags set first, and shows what the container has. */
function bound(flags: string, options: string, users: boolean) {
  const of = bundle("while read -r d m t o r; do case $m in /m) echo $o;; esac; done </proc/mounts", (config) => {
    config.mounts.push({ destination: "/m", source, options: ["bind", ...options.split(",")] });
    if (users) inUserNamespace(config);
  });
  mkdirSync(join(of.rootfs, "m"));
  for (const dir of ["", "m", "tmp", "etc", "dev", "proc", "sys", "root"]) chownSync(join(of.rootfs, dir), host, host);
  mkdirSync(source, { recursive: true });
  mount("-t", "tmpfs", "tmpfs", source);
  try {
    mount("--bind", "-o", "remount,diratime,atime,strictatime", source);
    mount("--bind", "-o", `remount,${flags}`, source);
    return runBundle(of);
  } finally {
    Bun.spawnSync(["umount", source]);
  }
}

/** Flags of the source, options of the bind, what it has then: first without, then with a user namespace. undefined: refused. */
const rows: [flags: string, options: string, outside: string, inside: string | undefined][] = [
  ["ro,noexec,nosymfollow", "dev", "rw", "ro,noexec"],
  ["ro", "nosuid,nodev", "rw,nosuid,nodev", "ro,nosuid,nodev"],
  ["ro", "rw", "rw", undefined],
  ["nosuid,nodev,noexec,noatime", "dev,suid,exec,atime", "rw,noatime", undefined],
  ["nodev,nosymfollow", "ro,symfollow", "ro", "ro,nodev"],
  ["noatime", "relatime", "rw,relatime", undefined],
  ["noatime", "nodiratime", "rw,nodiratime,relatime", undefined],
  ["noatime,nodiratime", "norelatime", "rw,noatime,nodiratime", "rw,noatime,nodiratime"],
  ["strictatime", "nostrictatime", "rw", "rw"],
  ["strictatime", "noatime", "rw,noatime", undefined],
  ["relatime", "relatime,ro", "ro,relatime", "ro,relatime"],
];

for (const [flags, options, outside, inside] of rows) {
  needs("bind flags")(`a bind of a source that is ${flags} with [${options}] is ${outside}`, () => {
    expect(
      succeeded(bound(flags, options, false))
        .stdout.trim()
        .replace(/,inode64|,size=.*/, ""),
    ).toBe(outside);
  });
  needs("bind flags", "user namespaces")(`and in a user namespace ${inside ?? "it is refused"}`, () => {
    const outcome = bound(flags, options, true);
    if (inside !== undefined) {
      expect(
        succeeded(outcome)
          .stdout.trim()
          .replace(/,inode64|,size=.*/, ""),
      ).toBe(inside);
      return;
    }
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(/error mounting .*locked.* operation not permitted/);
  });
}
