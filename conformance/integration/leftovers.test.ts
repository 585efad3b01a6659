import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findLeftovers, sweep, waitUntilClean } from "./leftovers.ts";

test("a cgroup, a mount, a process, a state entry and a temporary file are found, and swept", async () => {
  const base = mkdtempSync("/run/runts-leftovers-");
  const places = { tag: basename(base), root: join(base, "root"), tmpdir: join(base, "tmpdir") };
  try {
    expect(findLeftovers(places)).toEqual([]);
    for (const dir of [places.root, join(places.root, "id"), places.tmpdir, join(base, "mount")]) mkdirSync(dir);
    writeFileSync(join(places.tmpdir, "file"), "");
    Bun.spawnSync(["mount", "-t", "tmpfs", "t", join(base, "mount")]);
    Bun.spawnSync([
      "sh",
      "-c",
      `mkdir $(dirname $(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1))/${places.tag}`,
    ]);
    const process = Bun.spawn(["sleep", "1000"], { env: { TMPDIR: places.tmpdir } });
    await Bun.sleep(50);
    const kinds = findLeftovers(places).map((line) => line.split(" ")[0]);
    expect(kinds).toEqual(["state", "temporary", "cgroup", "mount", "process"]);
    await sweep(places);
    await process.exited;
    expect(await waitUntilClean(places, 200)).toEqual(["state entry id", "temporary file file"]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  expect(existsSync(base)).toBe(false);
});
