import { expect, test } from "bun:test";
import type { LinuxResources } from "../bundle/config.ts";
import { resourceWritesV1 } from "./resource-writes-v1.ts";

const ENOENT = 2;

function lines(resources: LinuxResources): string[] {
  return resourceWritesV1(resources).map((w) => `${w.key} ${w.file}=${w.value} ${w.pointer.slice(17)}`);
}

test("every field becomes its file, in the order of the hierarchies", () => {
  const device = { major: 8, minor: 16 };
  const written = lines({
    memory: { limit: 100, reservation: 50, swap: 200, swappiness: 0, disableOOMKiller: true, useHierarchy: true },
    cpu: {
      shares: 512,
      quota: 50000,
      period: 100000,
      burst: 1000,
      idle: 0,
      realtimePeriod: 1000000,
      realtimeRuntime: 950000,
      cpus: "0-1",
      mems: "0",
    },
    pids: { limit: 32 },
    blockIO: {
      weight: 500,
      leafWeight: 300,
      weightDevice: [{ ...device, weight: 400, leafWeight: 200 }],
      throttleReadBpsDevice: [{ ...device, rate: 18446744073709551615n }],
      throttleWriteBpsDevice: [{ ...device, rate: 2 }],
      throttleReadIOPSDevice: [{ ...device, rate: 3 }],
      throttleWriteIOPSDevice: [{ ...device, rate: 4 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 9223372036854771712n }],
    network: { classID: 1048577, priorities: [{ name: "eth0", priority: 5 }] },
    rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
  });
  expect(written).toEqual([
    "cpuset cpuset.cpus=0-1 cpu/cpus",
    "cpuset cpuset.mems=0 cpu/mems",
    "memory memory.limit_in_bytes=100 memory/limit",
    "memory memory.memsw.limit_in_bytes=200 memory/swap",
    "memory memory.soft_limit_in_bytes=50 memory/reservation",
    "memory memory.oom_control=1 memory/disableOOMKiller",
    "memory memory.swappiness=0 memory/swappiness",
    "cpu cpu.shares=512 cpu/shares",
    "cpu cpu.cfs_period_us=100000 cpu/period",
    "cpu cpu.cfs_burst_us=1000 cpu/burst",
    "cpu cpu.cfs_quota_us=50000 cpu/quota",
    "cpu cpu.idle=0 cpu/idle",
    "cpu cpu.rt_period_us=1000000 cpu/realtimePeriod",
    "cpu cpu.rt_runtime_us=950000 cpu/realtimeRuntime",
    "pids pids.max=32 pids/limit",
    "blkio blkio.weight=500 blockIO/weight",
    "blkio blkio.leaf_weight=300 blockIO/leafWeight",
    "blkio blkio.weight_device=8:16 400 blockIO/weightDevice/0",
    "blkio blkio.leaf_weight_device=8:16 200 blockIO/weightDevice/0",
    "blkio blkio.throttle.read_bps_device=8:16 18446744073709551615 blockIO/throttleReadBpsDevice/0",
    "blkio blkio.throttle.write_bps_device=8:16 2 blockIO/throttleWriteBpsDevice/0",
    "blkio blkio.throttle.read_iops_device=8:16 3 blockIO/throttleReadIOPSDevice/0",
    "blkio blkio.throttle.write_iops_device=8:16 4 blockIO/throttleWriteIOPSDevice/0",
    "hugetlb hugetlb.2MB.limit_in_bytes=9223372036854771712 hugepageLimits/0/limit",
    "hugetlb hugetlb.2MB.rsvd.limit_in_bytes=9223372036854771712 hugepageLimits/0/limit",
    "net_cls net_cls.classid=1048577 network/classID",
    "net_prio net_prio.ifpriomap=eth0 5 network/priorities/0",
    "rdma rdma.max=mlx5_1 hca_handle=3 hca_object=10000 rdma/mlx5_1",
  ]);
});

test("zero leaves a limit as it is, but for those where zero means something", () => {
  const zeroes = {
    memory: { limit: 0, reservation: 0, swap: 0, kernel: 1, kernelTCP: 1, checkBeforeUpdate: true },
    cpu: { shares: 0, quota: 0, period: 0, realtimePeriod: 0, realtimeRuntime: 0, cpus: "", mems: "" },
    blockIO: { weight: 0, leafWeight: 0, weightDevice: [{ major: 1, minor: 1, weight: 0, leafWeight: 0 }] },
    network: { classID: 0, priorities: [] },
  };
  expect(lines(zeroes)).toEqual([]);
  expect(lines({ pids: { limit: 0 } })).toEqual(["pids pids.max=1 pids/limit"]);
  expect(lines({ pids: { limit: -5 } })).toEqual(["pids pids.max=max pids/limit"]);
  expect(lines({ cpu: { burst: 0, idle: 0 } })).toEqual([
    "cpu cpu.cfs_burst_us=0 cpu/burst",
    "cpu cpu.idle=0 cpu/idle",
  ]);
});

test("unlimited memory takes the limit of memory and swap with it, where the kernel has one", () => {
  const [memory, swap, ...rest] = resourceWritesV1({ memory: { limit: -1 } });
  expect(memory).toMatchObject({ file: "memory.limit_in_bytes", value: "-1", retryAfter: swap!.file });
  expect(swap).toMatchObject({ file: "memory.memsw.limit_in_bytes", value: "-1", tolerate: ENOENT });
  expect(rest).toEqual([]);
});

test("memory waits for swap only when swap is written", () => {
  expect(resourceWritesV1({ memory: { limit: 100 } })[0]!.retryAfter).toBeUndefined();
  expect(resourceWritesV1({ memory: { limit: 100, swap: -1 } })[0]!.retryAfter).toBe("memory.memsw.limit_in_bytes");
});

test("period and burst wait for the quota only when it is written", () => {
  const after = (cpu: LinuxResources["cpu"]) => resourceWritesV1({ cpu }).map((w) => w.retryAfter);
  expect(after({ period: 1000, burst: 1 })).toEqual([undefined, undefined]);
  expect(after({ period: 1000, burst: 1, quota: -1 })).toEqual(["cpu.cfs_quota_us", "cpu.cfs_quota_us", undefined]);
});

test("weights fall back to BFQ's files", () => {
  const [weight, device] = resourceWritesV1({
    blockIO: { weight: 10, weightDevice: [{ major: 8, minor: 0, weight: 20 }] },
  });
  expect(weight!.orElse).toEqual({ file: "blkio.bfq.weight", value: "10" });
  expect(device!.orElse).toEqual({ file: "blkio.bfq.weight_device", value: "8:0 20" });
});

test("what v1 can't do is refused with its field", () => {
  expect(() => lines({ unified: { "memory.max": "1" } })).toThrow(
    "cannot use unified on cgroup v1 [at /linux/resources/unified]",
  );
  expect(() => lines({ cpu: { shares: 1 } })).toThrow("the minimum allowed cpu-shares is 2");
  expect(() => lines({ cpu: { shares: 262145 } })).toThrow("the maximum allowed cpu-shares is 262144");
  expect(() => lines({ memory: { swappiness: 101 } })).toThrow("valid range is 0-100");
  expect(lines({ memory: { swappiness: 18446744073709551615n } })).toEqual([]);
  expect(() => lines({ memory: { limit: 2, swap: 1 } })).toThrow("memory+swap limit should be >= memory limit");
  expect(() => lines({ hugepageLimits: [{ pageSize: "../../x", limit: 1 }] })).toThrow("/hugepageLimits/0/pageSize");
  expect(() => lines({ hugepageLimits: [{ pageSize: "MB", limit: 1 }] })).toThrow("invalid huge page size");
});
