/** The kernel's verifier and its verdicts. Needs root and a cgroup2 mount. */
import { expect, test } from "bun:test";
import { close, mkdir, O_DIRECTORY, O_RDONLY, open, tryRmdir } from "../../native-bindings/files.ts";
import { readCgroupLayout } from "../host/cgroup-layout.ts";
import { attachDeviceFilter, attachedFilters, loadDeviceFilter } from "./attach-device-filter.ts";
import { deviceFilter } from "./device-filter.ts";
import { deviceList } from "./device-rules.ts";

const mountPoint = readCgroupLayout().hierarchies.find((h) => h.key === "")?.mountPoint;
const onUnified = test.skipIf(mountPoint === undefined);

function countFilters(directory: string): number {
  const cgroup = open(directory, O_RDONLY | O_DIRECTORY);
  const filters = attachedFilters(cgroup);
  for (const fd of [...filters, cgroup]) close(fd);
  return filters.length;
}

function canReadZero(directory: string): boolean {
  const script = `echo $$ > ${directory}/cgroup.procs && exec head -c1 /dev/zero`;
  return Bun.spawnSync(["sh", "-c", script], { stdio: ["ignore", "ignore", "ignore"] }).success;
}

onUnified("the kernel takes programs of every kind of rule", () => {
  for (const allow of [true, false]) {
    const rules = [
      { allow, access: "rwm" },
      { allow: !allow, type: "b", major: 8, access: "r" } as const,
      { allow: !allow, type: "c", minor: 4294967295, major: 7, access: "rwm" } as const,
    ];
    close(loadDeviceFilter(deviceFilter(deviceList(rules, undefined))));
  }
});

onUnified("a filter is in force in its cgroup, and a second one takes its place", async () => {
  const directory = `${mountPoint}/runts-test-filter-${process.pid}`;
  mkdir(directory, 0o755);
  try {
    attachDeviceFilter(directory, deviceFilter(deviceList(undefined, undefined)), true);
    expect(countFilters(directory)).toBe(1);
    expect(canReadZero(directory)).toBe(true);
    const denying = deviceFilter({ byDefault: "denies", exceptions: [] });
    attachDeviceFilter(directory, denying, false);
    expect(countFilters(directory)).toBe(1);
    expect(canReadZero(directory)).toBe(false);
    // Two programs, as another runtime may leave them: both go.
    attachDeviceFilter(directory, deviceFilter(deviceList([{ allow: true, access: "rwm" }], undefined)), true);
    expect(countFilters(directory)).toBe(2);
    attachDeviceFilter(directory, deviceFilter(deviceList(undefined, undefined)), false);
    expect(countFilters(directory)).toBe(1);
    expect(canReadZero(directory)).toBe(true);
  } finally {
    for (let tries = 0; tryRmdir(directory) < 0 && tries < 50; tries++) await Bun.sleep(10);
  }
});
