/** Containers' cgroups on this machine's hierarchies, for tests: made, filled with processes, and cleaned up. Needs root. */
import { expect, test } from "bun:test";
import { exists } from "../../native-bindings/files.ts";
import type { LinuxResources } from "../bundle/config.ts";
import { type CgroupLayout, readCgroupLayout } from "../host/cgroup-layout.ts";
import { isFrozen, thaw } from "./freezer.ts";
import { placeProcess } from "./place.ts";
import { planCgroup } from "./plan.ts";
import { prepareCgroup } from "./prepare.ts";
import type { CgroupRecord } from "./record.ts";
import { removeCgroup } from "./remove.ts";

export const host = readCgroupLayout();
export const onV1 = test.skipIf(host.mode === "v2");
export const unified = host.hierarchies.find((h) => h.key === "");
/** A hybrid host's cgroup2 mount, taken for a whole v2 host: it has all but the controllers. */
export const asV2: CgroupLayout = { mode: "v2", hierarchies: unified ? [unified] : [] };
export const onUnified = test.skipIf(unified === undefined);

export const parent = `/runts-test-${process.pid}`;
let serial = 0;

const records: CgroupRecord[] = [];
const children: Bun.Subprocess[] = [];

/** A cgroup of its own, or at `cgroupsPath`. */
export function prepare(
  layout: CgroupLayout,
  resources?: LinuxResources,
  cgroupsPath = `${parent}/c${++serial}`,
): CgroupRecord {
  const plan = planCgroup({
    cgroupsPath,
    id: "x",
    resources,
    devices: undefined,
    layout,
    rootless: false,
  });
  const record = prepareCgroup(plan);
  records.push(record);
  return record;
}

/** A shell in that cgroup that runs `command`. */
export function spawnIn(record: CgroupRecord, command = "exec sleep 60"): Bun.Subprocess {
  // It waits until it is placed: what it forked before would be elsewhere.
  const script = `read go; ${command}`;
  const child = Bun.spawn(["sh", "-c", script], { stdio: ["pipe", "ignore", "ignore"] });
  children.push(child);
  placeProcess(record, child.pid);
  child.stdin.write("go\n");
  child.stdin.flush();
  return child;
}

/** A child of a child appears in the cgroup a moment after it is asked for. */
export async function until(condition: () => boolean): Promise<void> {
  for (let waits = 0; !condition() && waits < 200; waits++) await Bun.sleep(10);
  expect(condition()).toBe(true);
}

/** For `afterEach`: ends the processes and removes the cgroups of the test, and checks that nothing is left. */
export async function cleanUp(): Promise<void> {
  for (const record of records) if (isFrozen(record)) thaw(record);
  for (const child of children.splice(0)) {
    child.kill(9);
    await child.exited;
  }
  for (const record of records.splice(0).reverse()) removeCgroup(record);
  for (const { mountPoint } of host.hierarchies) expect(exists(mountPoint + parent)).toBe(false);
}
