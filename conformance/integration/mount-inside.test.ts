import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, runBundle } = containers("mount-inside");
const host = 100_000;
const mapping = [{ containerID: 0, hostID: host, size: 65_536 }];

/** A directory of the host, then a part of what the container has of it, from inside the container's root, on another place. */
function shownTwice(users: boolean, options: readonly string[], script = "cat /final/file; stat -c %u /final/file") {
  const shared = join(base, "shared");
  mkdirSync(join(shared, "part"), { recursive: true });
  writeFileSync(join(shared, "part/file"), "once more\n");
  chmodSync(shared, 0o755);
  const edit = (config: Config) => {
    if (!users) return;
    config.linux.namespaces.push({ type: "user" });
    config.linux.uidMappings = mapping;
    config.linux.gidMappings = mapping;
  };
  const of = bundle(script, edit);
  const mapped = options.includes("idmap") ? { uidMappings: mapping, gidMappings: mapping } : {};
  of.config.mounts.push(
    { destination: "/mnt", source: shared, options: ["bind"] },
    { destination: "/final", source: join(of.rootfs, "mnt/part"), options: ["rbind", ...options], ...mapped },
  );
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(of.config));
  for (const dir of ["mnt", "final"]) mkdirSync(join(of.rootfs, dir));
  for (const dir of ["", "mnt", "final", "tmp", "etc", "dev", "proc", "sys", "root"]) {
    if (users) chownSync(join(of.rootfs, dir), host, host);
  }
  return runBundle(of);
}

test("a bind mount's source may be what an earlier mount has put into the root", () => {
  expect(succeeded(shownTwice(false, [])).stdout).toBe("once more\n0\n");
});

needs("user namespaces", "sources inside")("also in a user namespace", () => {
  expect(succeeded(shownTwice(true, [])).stdout).toBe("once more\n65534\n");
});

needs("idmapped mounts", "idmapped tmpfs")("and be id-mapped", () => {
  expect(succeeded(shownTwice(false, ["idmap"])).stdout).toBe(`once more\n${host}\n`);
});

needs(
  "idmapped mounts",
  "idmapped tmpfs",
  "user namespaces",
  "sources inside",
)("and be id-mapped in a user namespace", () => {
  expect(succeeded(shownTwice(true, ["idmap"])).stdout).toBe("once more\n0\n");
});

needs("sources inside")("a source inside that is never there fails, and is named", () => {
  const of = bundle("true");
  of.config.mounts.push({ destination: "/final", source: join(of.rootfs, "nope"), options: ["bind"] });
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(of.config));
  expect(complaint(runBundle(of))).toMatch(
    /error mounting ".*\/nope" to rootfs at "\/final".*no such file or directory/,
  );
});

test("a tmpfs takes over the mode of the directory that it covers", () => {
  const of = bundle("stat -c %a /covered");
  of.config.mounts.push({ destination: "/covered", type: "tmpfs", source: "tmpfs", options: ["nosuid"] });
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(of.config));
  mkdirSync(join(of.rootfs, "covered"));
  chmodSync(join(of.rootfs, "covered"), 0o710);
  expect(succeeded(runBundle(of)).stdout).toBe("710\n");
});

needs("mode among options")("and has it among its options", () => {
  const of = bundle("grep ' /covered ' /proc/mounts");
  of.config.mounts.push({ destination: "/covered", type: "tmpfs", source: "tmpfs", options: ["nosuid"] });
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(of.config));
  mkdirSync(join(of.rootfs, "covered"));
  chmodSync(join(of.rootfs, "covered"), 0o710);
  expect(succeeded(runBundle(of)).stdout).toMatch(/\bmode=710\b/);
});
