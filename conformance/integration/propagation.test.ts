import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Config, grant } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, prints, running, runtime, state } = containers("propagation");

const shared = join(base, "shared");
mkdirSync(shared);

/** Optional fields of the mount at a path, in the container's mountinfo: "shared:1 master:2", or "" for private. */
const fieldsOf = (path: string) =>
  `awk '$5 == "${path}" {out = ""; for (i = 7; $i != "-"; i++) out = out $i " "; print out}' /proc/self/mountinfo`;

const roots: [propagation: string | undefined, there: RegExp][] = [
  ["private", /^$/],
  ["rprivate", /^$/],
  ["slave", /^(master:\d+)?$/],
  ["rslave", /^(master:\d+)?$/],
  [undefined, /^(master:\d+)?$/],
  ["shared", /shared:\d+/],
  ["rshared", /shared:\d+/],
  ["unbindable", /unbindable/],
];

for (const [propagation, there] of roots) {
  const ask = there.source.includes("shared")
    ? needs("shared root")
    : propagation === "unbindable"
      ? needs("unbindable root")
      : test;
  ask(`rootfsPropagation ${propagation ?? "not given"} shows in the mount of the root`, () => {
    const seen = prints(fieldsOf("/"), (config) => {
      config.linux.rootfsPropagation = propagation;
    });
    expect(seen).toMatch(there);
  });
}

const mounts: [options: string[], there: RegExp][] = [
  [["rbind", "private"], /^$/],
  [["rbind", "rprivate"], /^$/],
  [["rbind", "shared"], /shared:/],
  [["rbind", "rshared"], /shared:/],
  [["rbind", "unbindable"], /unbindable/],
  [["rbind", "shared", "slave", "shared"], /shared:/],
];

for (const [options, there] of mounts) {
  test(`a mount with [${options}] propagates so`, () => {
    const seen = prints(fieldsOf("/m"), (config: Config) => {
      config.mounts.push({ destination: "/m", source: shared, options });
    });
    expect(seen).toMatch(there);
  });
}

test("a private root without pivot_root is refused", () => {
  const of = bundle("echo ran", (config) => {
    config.linux.rootfsPropagation = "rprivate";
  });
  const outcome = runtime(["run", "--no-pivot", "--bundle", of.dir, of.id]);
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  expect(complaint(outcome)).toContain("rootfsPropagation of [r]private is not safe without pivot_root");
});

test("mounts made inside are not seen by the host", () => {
  const before = Bun.spawnSync(["cat", "/proc/self/mountinfo"]).stdout.toString();
  const of = running((config) => {
    grant(config, "CAP_SYS_ADMIN");
    config.mounts.push({ destination: "/m", source: shared, options: ["rbind"] });
    config.process.args = ["sh", "-c", "mount -t tmpfs t /m && touch /m/ready; sleep 1000"];
  });
  const inside = () => readdirSync(`/proc/${state(of.id).pid}/root/m`);
  for (let tries = 0; tries < 100 && inside().length === 0; tries++) Bun.sleepSync(10);
  expect(inside()).toEqual(["ready"]);
  expect(Bun.spawnSync(["cat", "/proc/self/mountinfo"]).stdout.toString()).toBe(before);
});

test("mounts made by the host below an rslave bind are seen inside", () => {
  Bun.spawnSync(["mount", "-t", "tmpfs", "outer", shared]);
  Bun.spawnSync(["mount", "--make-shared", shared]);
  mkdirSync(join(shared, "sub"));
  try {
    const of = running((config) => {
      config.mounts.push({ destination: "/m", source: shared, options: ["rbind", "rslave"] });
    });
    Bun.spawnSync(["mount", "-t", "tmpfs", "inner", join(shared, "sub")]);
    Bun.spawnSync(["touch", join(shared, "sub/seen")]);
    expect(readdirSync(`/proc/${state(of.id).pid}/root/m/sub`)).toEqual(["seen"]);
  } finally {
    Bun.spawnSync(["umount", "-R", shared]);
  }
});
