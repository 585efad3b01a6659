/** Every field of `linux.resources` on cgroup v1, read back from the file that the kernel keeps it in. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountMissing } from "../machine/missing-hierarchies.ts";
import { type Edit, put } from "./bundle.ts";
import { hasCgroupV2 } from "./cgroup-location.ts";
import { deviceNumber, firstDisk } from "./disks.ts";
import { containers } from "./harness.ts";
import { isRoot } from "./ordinary-user.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { create, run } = containers("resources1");
const onV1 = needs("cgroup v1");

const isMounted = (controller: string) => existsSync(`/sys/fs/cgroup/${controller}/cgroup.procs`);
/** Hierarchies that this machine has mounted nowhere are mounted here while the tests run. */
const ownMounts = mkdtempSync(join(tmpdir(), "runts-hierarchies-"));
const own = mountMissing(isRoot ? ["net_cls", "net_prio", "hugetlb"] : [], ownMounts);

/** A disk in a file, with the scheduler that knows weights of devices: only the scheduler of the disk itself has them. */
const weighted = hasCgroupV2 || !isRoot || Bun.which("losetup") === null ? undefined : weightedDisk();

function weightedDisk(): { path: string; number: string } | undefined {
  const file = join(ownMounts, "disk");
  writeFileSync(file, "");
  truncateSync(file, 1 << 20);
  const path = Bun.spawnSync(["losetup", "--find", "--show", file]).stdout.toString().trim();
  if (path === "") return undefined;
  const name = path.slice("/dev/".length);
  try {
    writeFileSync(`/sys/block/${name}/queue/scheduler`, "bfq");
    return { path, number: deviceNumber(name) };
  } catch {
    Bun.spawnSync(["losetup", "--detach", path]);
    return undefined;
  }
}

afterAll(async () => {
  if (weighted !== undefined) Bun.spawnSync(["losetup", "--detach", weighted.path]);
  await own.undo();
  rmSync(ownMounts, { recursive: true });
});

const resources =
  (pointer: string, value: unknown): Edit =>
  (config) =>
    put(config, `/linux/resources/${pointer}`, value);
const ofDevice = (number: string | undefined, rest: object) => {
  const [major, minor] = (number ?? "0:0").split(":").map(Number);
  return [{ major, minor, ...rest }];
};
const throttle = (rate: number) => ofDevice(firstDisk, { rate });
const twoMegabytes = [{ pageSize: "2MB", limit: 4 << 20 }];

/** Files in which a limit is one line of several; in the others it is the first. */
const lists = ["devices.list", "blkio.bfq.weight_device"];

/** What the config says, and the file that says it back. */
const limits: [pointer: string, value: unknown, controller: string, file: string, expected: string][] = [
  ["memory/limit", 64 << 20, "memory", "memory.limit_in_bytes", `${64 << 20}`],
  ["memory", { limit: 32 << 20, swap: 64 << 20 }, "memory", "memory.memsw.limit_in_bytes", `${64 << 20}`],
  ["memory/reservation", 32 << 20, "memory", "memory.soft_limit_in_bytes", `${32 << 20}`],
  ["memory/swappiness", 10, "memory", "memory.swappiness", "10"],
  ["memory/disableOOMKiller", true, "memory", "memory.oom_control", "oom_kill_disable 1"],
  ["cpu/shares", 512, "cpu", "cpu.shares", "512"],
  ["cpu/quota", 25_000, "cpu", "cpu.cfs_quota_us", "25000"],
  ["cpu/period", 50_000, "cpu", "cpu.cfs_period_us", "50000"],
  ["cpu", { quota: 50_000, burst: 20_000 }, "cpu", "cpu.cfs_burst_us", "20000"],
  ["cpu/idle", 1, "cpu", "cpu.idle", "1"],
  ["cpu/realtimePeriod", 500_000, "cpu", "cpu.rt_period_us", "500000"],
  ["cpu", { realtimePeriod: 500_000, realtimeRuntime: 1000 }, "cpu", "cpu.rt_runtime_us", "1000"],
  ["cpu/cpus", "0", "cpuset", "cpuset.cpus", "0"],
  ["cpu/mems", "0", "cpuset", "cpuset.mems", "0"],
  ["pids/limit", 77, "pids", "pids.max", "77"],
  ["pids/limit", -1, "pids", "pids.max", "max"],
  ["devices", [{ allow: false, access: "rwm" }], "devices", "devices.list", "c 1:3 rwm"],
  [
    "devices",
    [{ allow: true, type: "c", major: 10, minor: 229, access: "rw" }],
    "devices",
    "devices.list",
    "c 10:229 rw",
  ],
  ["hugepageLimits", twoMegabytes, "hugetlb", "hugetlb.2MB.limit_in_bytes", `${4 << 20}`],
  ["hugepageLimits", twoMegabytes, "hugetlb", "hugetlb.2MB.rsvd.limit_in_bytes", `${4 << 20}`],
  ["blockIO/weight", 500, "blkio", "blkio.bfq.weight", "500"],
  [
    "blockIO/weightDevice",
    ofDevice(weighted?.number, { weight: 300 }),
    "blkio",
    "blkio.bfq.weight_device",
    `${weighted?.number} 300`,
  ],
  [
    "blockIO/throttleReadBpsDevice",
    throttle(1 << 20),
    "blkio",
    "blkio.throttle.read_bps_device",
    `${firstDisk} 1048576`,
  ],
  [
    "blockIO/throttleWriteBpsDevice",
    throttle(1 << 20),
    "blkio",
    "blkio.throttle.write_bps_device",
    `${firstDisk} 1048576`,
  ],
  ["blockIO/throttleReadIOPSDevice", throttle(99), "blkio", "blkio.throttle.read_iops_device", `${firstDisk} 99`],
  ["blockIO/throttleWriteIOPSDevice", throttle(99), "blkio", "blkio.throttle.write_iops_device", `${firstDisk} 99`],
  ["network/classID", 0x10_0001, "net_cls", "net_cls.classid", `${0x10_0001}`],
  ["network/priorities", [{ name: "lo", priority: 3 }], "net_prio", "net_prio.ifpriomap", "lo 3"],
];

for (const [pointer, value, controller, file, expected] of limits) {
  const name = `resources/${pointer} ${JSON.stringify(value)} is read back from ${file}`;
  const gap = gapOf(controller, file, expected);
  const body = () => {
    const of = create("true", resources(pointer, value));
    const hierarchies = own.controllers.includes(controller) ? ownMounts : "/sys/fs/cgroup";
    const lines = readFileSync(join(hierarchies, controller, of.id, file), "utf8")
      .trim()
      .split("\n");
    if (lists.includes(file)) expect(lines).toContain(expected);
    else expect(lines[0]).toBe(expected);
  };
  if (gap === undefined) onV1(name, body);
  else test.skip(`${name} (skipped: ${gap})`, body);
}

function gapOf(controller: string, file: string, expected: string): string | undefined {
  if (!isMounted(controller) && !own.controllers.includes(controller)) return `no hierarchy of ${controller} here`;
  if (expected.startsWith("undefined")) return "no disk here";
  const counted = !file.startsWith("memory.memsw.") || existsSync(`/sys/fs/cgroup/${controller}/${file}`);
  return counted ? undefined : "the kernel does not count swap";
}

/** Linux has had none since 5.0. */
needs("json pointers", "cgroup v1")("a leaf weight that the kernel doesn't have is refused by its name", () => {
  for (const [pointer, value] of [
    ["blockIO/leafWeight", 300],
    ["blockIO/weightDevice", ofDevice(firstDisk, { leafWeight: 300 })],
  ] as const) {
    const told = complaint(run("true", resources(pointer, value)));
    expect(told).toContain(`/linux/resources/${pointer}`);
    expect(told).toContain("blkio.leaf_weight");
  }
});
