import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { compileFilter } from "./compile-filter.ts";
import { cachedFilter, digest, seccompIsOff } from "./filter-cache.ts";
import { FLAG_NEW_LISTENER } from "./flags.ts";

const profile: LinuxSeccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  syscalls: [
    { names: ["read", "write", "execve"], action: "SCMP_ACT_ALLOW" },
    { names: ["kill"], action: "SCMP_ACT_ALLOW", args: [{ index: 1, value: 9, op: "SCMP_CMP_EQ" }] },
  ],
};

let parent = "";
let cache = "";

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "runts-filter-cache-"));
  cache = join(parent, "seccomp");
});

afterEach(() => rmSync(parent, { recursive: true }));

/** The path of the only entry. */
function entry(): string {
  const names = readdirSync(cache);
  expect(names.length).toBe(1);
  return join(cache, names[0]!);
}

/** An entry whose header and filter are as given, with a checksum that is right. */
function rewrite(path: string, change: (content: string) => string): void {
  const content = Buffer.from(change(readFileSync(path).subarray(64).toString("latin1")), "latin1");
  writeFileSync(path, Buffer.concat([Buffer.from(digest(content)), content]));
}

test("the second time a profile is seen its filter is read, and is the same in every part", () => {
  const first = cachedFilter(profile, cache);
  expect(first.origin).toBe("compiled");
  expect(first.bpf).toEqual(compileFilter(profile).bpf);
  expect(first.restricted.argumentDependent).toEqual([SYS.kill]);
  expect(first.restricted.forbidden).toContain(SYS.mount);
  expect(first.restricted.forbidden).not.toContain(SYS.read);
  expect(cachedFilter(profile, cache)).toEqual({ ...first, origin: "cached" });
});

test("a cache is private to its owner, directory and entries", () => {
  cachedFilter(profile, cache);
  expect(statSync(cache).mode & 0o777).toBe(0o700);
  expect(statSync(entry()).mode & 0o777).toBe(0o600);
});

test("flags absent and flags empty, and values beyond 2^53, are different profiles", () => {
  const big = (value: number | bigint): LinuxSeccomp => ({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: ["kill"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] }],
  });
  const profiles = [profile, { ...profile, flags: [] }, big(2n ** 63n), big(2n ** 63n + 1n), big(7)];
  for (const one of profiles) expect(cachedFilter(one, cache).origin).toBe("compiled");
  for (const one of profiles) expect(cachedFilter(one, cache).origin).toBe("cached");
  expect(readdirSync(cache).length).toBe(profiles.length);
});

test("where the listener is does not matter to the filter, but that it is there does, each time", () => {
  const notifying: LinuxSeccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }],
  };
  for (let time = 0; time < 2; time++) {
    expect(() => cachedFilter(notifying, cache)).toThrow(
      "seccomp listenerPath is not set [at /linux/seccomp/listenerPath]",
    );
  }
  const compiled = cachedFilter({ ...notifying, listenerPath: "/run/agent.sock" }, cache);
  expect(compiled.origin).toBe("cached");
  expect([compiled.listener, compiled.flags & FLAG_NEW_LISTENER]).toEqual([true, FLAG_NEW_LISTENER]);
  expect(compiled.restricted.forbidden).toEqual([]);
});

test("a damaged entry is made anew: cut short, emptied, changed by one bit", () => {
  const { bpf } = cachedFilter(profile, cache);
  const damages: ((path: string) => void)[] = [
    (path) => truncateSync(path, statSync(path).size - 8),
    (path) => truncateSync(path, 0),
    (path) => truncateSync(path, 40),
    (path) => {
      const content = readFileSync(path);
      content[content.length - 1]! ^= 1;
      writeFileSync(path, content);
    },
  ];
  for (const damage of damages) {
    damage(entry());
    const again = cachedFilter(profile, cache);
    expect(again.origin).toBe("compiled");
    expect(again.bpf).toEqual(bpf);
    expect(cachedFilter(profile, cache).origin).toBe("cached");
  }
});

test("an entry of a library that is gone or another is made anew", () => {
  cachedFilter(profile, cache);
  for (const change of [
    (content: string) => content.replace("/libseccomp", "/gone/libseccomp"),
    (content: string) => content.replace(/"inode":\d+/, '"inode":1'),
    (content: string) => content.replace(/"size":\d+/, '"size":1'),
  ]) {
    rewrite(entry(), change);
    expect(cachedFilter(profile, cache).origin).toBe("compiled");
    expect(cachedFilter(profile, cache).origin).toBe("cached");
  }
});

test("a cache that others can enter is neither read nor written", () => {
  cachedFilter(profile, cache);
  const path = entry();
  // A planted filter: what is read would be seen in the result.
  rewrite(path, (content) => content.slice(0, content.indexOf("\n") + 1));
  expect(cachedFilter(profile, cache).bpf.length).toBe(0);
  chmodSync(cache, 0o711);
  const compiled = cachedFilter(profile, cache);
  expect(compiled.bpf.length).toBeGreaterThan(0);
  expect(compiled.origin).toBe(
    `compiled, not cached in ${cache}: it is not private (owner ${process.getuid?.()}, mode 0711)`,
  );
  expect(readdirSync(cache).length).toBe(1);
});

test.if(process.getuid?.() === 0)("a cache of another user is not used", () => {
  mkdirSync(cache, { mode: 0o700 });
  expect(Bun.spawnSync(["chown", "12345", cache]).exitCode).toBe(0);
  expect(cachedFilter(profile, cache).origin).toContain("it is not private (owner 12345, mode 0700)");
});

test("a symbolic link as the cache, or as an entry, is not followed", () => {
  cachedFilter(profile, cache);
  const link = join(parent, "link");
  symlinkSync(cache, link);
  expect(cachedFilter(profile, link).origin).toContain("cannot be opened");
  const path = entry();
  copyFileSync(path, join(parent, "planted"));
  rmSync(path);
  symlinkSync(join(parent, "planted"), path);
  expect(cachedFilter(profile, cache).origin).toBe("compiled");
});

test("a cache that cannot be made does not stop a start", () => {
  writeFileSync(cache, "a file");
  expect(cachedFilter(profile, cache).origin).toContain(`not cached in ${cache}`);
  expect(cachedFilter(profile, "/proc/nowhere/seccomp").origin).toContain(
    "not cached in /proc/nowhere/seccomp: mkdir: ",
  );
});

test("a full cache loses its oldest files, among them what an interrupted start left", () => {
  mkdirSync(cache, { mode: 0o700 });
  for (let i = 0; i < 70; i++) {
    writeFileSync(join(cache, i === 0 ? ".interrupted.1" : `old-${i}`), "");
    utimesSync(join(cache, i === 0 ? ".interrupted.1" : `old-${i}`), 1000 + i, 1000 + i);
  }
  cachedFilter(profile, cache);
  const left = readdirSync(cache);
  expect(left.length).toBe(64);
  expect(left).not.toContain(".interrupted.1");
  expect(left).not.toContain("old-6");
  expect(left).toContain("old-7");
  expect(cachedFilter(profile, cache).origin).toBe("cached");
});

test("an empty section means no seccomp; a rule or a default action means one", () => {
  const without = { defaultAction: "" } as unknown as LinuxSeccomp;
  expect(seccompIsOff(without)).toBe(true);
  expect(seccompIsOff({ ...without, syscalls: [] })).toBe(true);
  expect(seccompIsOff({ ...without, syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }] })).toBe(false);
  expect(seccompIsOff({ defaultAction: "SCMP_ACT_ALLOW" })).toBe(false);
});
