import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupsBelow, makeCgroups, removeCgroups } from "./cgroup-hierarchies.ts";

test.skipIf(process.getuid?.() !== 0)("cgroups are removed with all that is in them", async () => {
  const name = `hierarchies-test-${process.pid}`;
  const made = makeCgroups(name);
  const child = Bun.spawn(["sleep", "60"]);
  try {
    writeFileSync(join(made[0]!, "cgroup.procs"), String(child.pid));
    expect(cgroupsBelow(join(made[0]!, "..")).some((directory) => directory.endsWith(name))).toBe(true);
  } finally {
    await removeCgroups(name);
    await child.exited;
  }
  expect(child.signalCode).toBe("SIGKILL");
  expect(made.filter((directory) => existsSync(directory))).toEqual([]);
});
