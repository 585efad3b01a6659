import { expect, test } from "bun:test";
import type { LinuxResources } from "../bundle/config.ts";
import { cpuWeight, ioWeight, resourceWritesV2 } from "./resource-writes-v2.ts";

const ENOENT = 2;

function lines(resources: LinuxResources): string[] {
  return resourceWritesV2(resources).map((w) => `${w.file}=${w.value} ${w.pointer.slice(17)}`);
}

test("every field becomes its file, in runc's order, and unified is last", () => {
  const device = { major: 8, minor: 16 };
  const written = lines({
    unified: { "memory.high": "70", "io.latency": "8:0 target=1\n8:16 target=2\n" },
    memory: { limit: 100, reservation: 50, swap: 200, swappiness: 10, disableOOMKiller: true },
    cpu: { shares: 1024, quota: 50000, period: 200000, burst: 1000, idle: 0, cpus: "0-1", mems: "0" },
    pids: { limit: 32 },
    blockIO: {
      weight: 100,
      leafWeight: 300,
      weightDevice: [{ ...device, weight: 400, leafWeight: 200 }],
      throttleReadBpsDevice: [{ ...device, rate: 18446744073709551615n }],
      throttleWriteBpsDevice: [{ ...device, rate: 2 }],
      throttleReadIOPSDevice: [{ ...device, rate: 3 }],
      throttleWriteIOPSDevice: [{ ...device, rate: 4 }],
    },
    hugepageLimits: [{ pageSize: "64KB", limit: 0 }],
    network: { classID: 1, priorities: [{ name: "eth0", priority: 5 }] },
    rdma: { "mlx/1": { hcaObjects: 1 } },
  });
  expect(written).toEqual([
    "pids.max=32 pids/limit",
    "memory.swap.max=100 memory/swap",
    "memory.max=100 memory/limit",
    "memory.low=50 memory/reservation",
    "io.bfq.weight=100 blockIO/weight",
    "io.bfq.weight=8:16 400 blockIO/weightDevice/0",
    "io.max=8:16 rbps=18446744073709551615 blockIO/throttleReadBpsDevice/0",
    "io.max=8:16 wbps=2 blockIO/throttleWriteBpsDevice/0",
    "io.max=8:16 riops=3 blockIO/throttleReadIOPSDevice/0",
    "io.max=8:16 wiops=4 blockIO/throttleWriteIOPSDevice/0",
    "cpu.idle=0 cpu/idle",
    "cpu.weight=100 cpu/shares",
    "cpu.max.burst=1000 cpu/burst",
    "cpu.max=50000 200000 cpu/quota",
    "cpuset.cpus=0-1 cpu/cpus",
    "cpuset.mems=0 cpu/mems",
    "hugetlb.64KB.max=0 hugepageLimits/0/limit",
    "hugetlb.64KB.rsvd.max=0 hugepageLimits/0/limit",
    "rdma.max=mlx/1 hca_object=1 rdma/mlx~11",
    "memory.high=70 unified/memory.high",
    "io.latency=8:0 target=1 unified/io.latency",
    "io.latency=8:16 target=2 unified/io.latency",
  ]);
});

test("memory and swap together become swap alone", () => {
  const swap = (memory: LinuxResources["memory"]) =>
    resourceWritesV2({ memory })
      .filter((w) => w.file === "memory.swap.max")
      .map((w) => w.value)[0];
  expect(swap({ limit: 100, swap: 100 })).toBe("0");
  expect(swap({ limit: 100, swap: 300 })).toBe("200");
  expect(swap({ limit: 9007199254740993n, swap: 9223372036854771712n })).toBe("9214364837600030719");
  expect(swap({ limit: 100, swap: -1 })).toBe("max");
  expect(swap({ limit: 100 })).toBeUndefined();
  expect(swap({ limit: 100, swap: 0 })).toBeUndefined();
  expect(swap({ limit: -1 })).toBe("max");
  expect(swap({ limit: -1, swap: 5 })).toBe("5");
  expect(() => swap({ swap: 5 })).toThrow("unable to set swap limit without memory limit");
  expect(() => swap({ limit: 6, swap: 5 })).toThrow("memory+swap limit should be >= memory limit");
});

test("a kernel without swap is no error when no swap is wanted anyway", () => {
  expect(resourceWritesV2({ memory: { limit: 100, swap: 100 } })[0]!.tolerate).toBe(ENOENT);
  expect(resourceWritesV2({ memory: { limit: 100, swap: 101 } })[0]!.tolerate).toBeUndefined();
});

test("-1 is max", () => {
  expect(lines({ memory: { limit: -1, reservation: -1 } })).toEqual([
    "memory.swap.max=max memory/swap",
    "memory.max=max memory/limit",
    "memory.low=max memory/reservation",
  ]);
});

test("cpu.max has both numbers, whichever is given", () => {
  expect(lines({ cpu: { quota: 1000 } })).toEqual(["cpu.max=1000 100000 cpu/quota"]);
  expect(lines({ cpu: { period: 5000 } })).toEqual(["cpu.max=max 5000 cpu/period"]);
  expect(lines({ cpu: { quota: -1, period: 5000 } })).toEqual(["cpu.max=max 5000 cpu/quota"]);
});

test("pids.max is at least one process", () => {
  expect(lines({ pids: { limit: 0 } })).toEqual(["pids.max=1 pids/limit"]);
  expect(lines({ pids: { limit: -1 } })).toEqual(["pids.max=max pids/limit"]);
});

test("cpu.shares is converted as runc and crun do", () => {
  const table = [1, 2, 3, 100, 512, 1024, 2048, 4096, 65536, 262144, 300000];
  expect(table.map(cpuWeight)).toEqual([1, 1, 2, 17, 59, 100, 174, 303, 3023, 10000, 10000]);
});

test("blkio.weight is converted as runc does, for kernels without BFQ", () => {
  expect([10, 100, 500, 750, 1000].map(ioWeight)).toEqual([1, 910, 4950, 7475, 10000]);
  expect(resourceWritesV2({ blockIO: { weight: 500 } })[0]!.orElse).toEqual({ file: "io.weight", value: "4950" });
});

test("a unified name is a file of a controller, never a path", () => {
  expect(() => lines({ unified: { "../memory.max": "1" } })).toThrow("must be a file name (no slashes)");
  expect(() => lines({ unified: { memory: "1" } })).toThrow("must be in the form CONTROLLER.PARAMETER");
});
