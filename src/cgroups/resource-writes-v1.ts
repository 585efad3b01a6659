import { ENOENT } from "../../native-bindings/errno.ts";
import type { LinuxResources } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import {
  checkSwap,
  hugepageSize,
  isGiven,
  pidsMax,
  pointerPart,
  type ResourceWrite,
  rdmaLimit,
} from "./resource-write.ts";

const AT = "/linux/resources";
/** What the kernel cuts cpu.shares to, kernel/sched/sched.h. runc refuses what would be cut. */
const MIN_SHARES = 2;
const MAX_SHARES = 262144;

/**
 * `linux.resources` as writes to cgroup v1 files, in the order of writing. Device rules are not among them.
 *
 * @throws RuntimeFault for what v1 does not have (`unified`) and for values that the kernel would change or refuse.
 * @see https://www.kernel.org/doc/Documentation/cgroup-v1/
 */
export function resourceWritesV1(resources: LinuxResources): ResourceWrite[] {
  if (resources.unified && Object.keys(resources.unified).length > 0) {
    throw new RuntimeFault({ what: "invalid configuration: cannot use unified on cgroup v1", where: `${AT}/unified` });
  }
  const writes: ResourceWrite[] = [];
  if (resources.cpu) {
    const { cpus, mems } = resources.cpu;
    if (cpus) writes.push({ key: "cpuset", file: "cpuset.cpus", value: cpus, pointer: `${AT}/cpu/cpus` });
    if (mems) writes.push({ key: "cpuset", file: "cpuset.mems", value: mems, pointer: `${AT}/cpu/mems` });
  }
  if (resources.memory) memoryWrites(resources.memory, writes);
  if (resources.cpu) cpuWrites(resources.cpu, writes);
  const pids = resources.pids?.limit;
  if (pids !== undefined)
    writes.push({ key: "pids", file: "pids.max", value: pidsMax(pids), pointer: `${AT}/pids/limit` });
  if (resources.blockIO) blkioWrites(resources.blockIO, writes);
  if (resources.hugepageLimits) hugetlbWrites(resources.hugepageLimits, writes);
  if (resources.network) networkWrites(resources.network, writes);
  if (resources.rdma) {
    for (const [device, limit] of Object.entries(resources.rdma)) {
      const pointer = `${AT}/rdma/${pointerPart(device)}`;
      writes.push({ key: "rdma", file: "rdma.max", value: rdmaLimit(device, limit), pointer });
    }
  }
  return writes;
}

function memoryWrites(memory: NonNullable<LinuxResources["memory"]>, writes: ResourceWrite[]): void {
  const { limit, reservation, swap, swappiness, disableOOMKiller } = memory;
  const key = "memory";
  const swapFile = "memory.memsw.limit_in_bytes";
  checkSwap(limit, swap);
  const unlimited = isGiven(limit) && limit < 0;
  if (isGiven(limit)) {
    // The kernel wants limit <= memory+swap after each of the two writes.
    const retryAfter = isGiven(swap) || unlimited ? swapFile : undefined;
    writes.push({ key, file: "memory.limit_in_bytes", value: `${limit}`, pointer: `${AT}/memory/limit`, retryAfter });
  }
  if (isGiven(swap)) {
    writes.push({ key, file: swapFile, value: `${swap}`, pointer: `${AT}/memory/swap` });
  } else if (unlimited) {
    // Unlimited memory within limited memory+swap would be no such thing. Kernels without swap accounting lack the file.
    writes.push({ key, file: swapFile, value: "-1", pointer: `${AT}/memory/limit`, tolerate: ENOENT });
  }
  if (isGiven(reservation)) {
    const pointer = `${AT}/memory/reservation`;
    writes.push({ key, file: "memory.soft_limit_in_bytes", value: `${reservation}`, pointer });
  }
  if (disableOOMKiller) {
    writes.push({ key, file: "memory.oom_control", value: "1", pointer: `${AT}/memory/disableOOMKiller` });
  }
  // -1 in Go's uint64: callers that mean "not set" send it.
  if (swappiness === undefined || swappiness === -1 || swappiness === 18446744073709551615n) return;
  const pointer = `${AT}/memory/swappiness`;
  if (swappiness < 0 || swappiness > 100) {
    throw new RuntimeFault({
      what: `invalid memory swappiness value: ${swappiness} (valid range is 0-100)`,
      where: pointer,
    });
  }
  writes.push({ key, file: "memory.swappiness", value: `${swappiness}`, pointer });
}

function cpuWrites(cpu: NonNullable<LinuxResources["cpu"]>, writes: ResourceWrite[]): void {
  const key = "cpu";
  const at = `${AT}/cpu`;
  const quotaFile = "cpu.cfs_quota_us";
  const { shares, quota, period, burst, idle, realtimeRuntime, realtimePeriod } = cpu;
  if (isGiven(shares)) {
    const bound = shares > MAX_SHARES ? MAX_SHARES : shares < MIN_SHARES ? MIN_SHARES : undefined;
    if (bound !== undefined) {
      throw new RuntimeFault({
        what: `the ${bound === MAX_SHARES ? "maximum" : "minimum"} allowed cpu-shares is ${bound}`,
        where: `${at}/shares`,
        value: shares,
      });
    }
    // An idle cgroup has no shares until it is none any more.
    const retryAfter = idle === undefined ? undefined : "cpu.idle";
    writes.push({ key, file: "cpu.shares", value: `${shares}`, pointer: `${at}/shares`, retryAfter });
  }
  const retryAfter = isGiven(quota) ? quotaFile : undefined;
  if (isGiven(period)) {
    writes.push({ key, file: "cpu.cfs_period_us", value: `${period}`, pointer: `${at}/period`, retryAfter });
  }
  if (burst !== undefined) {
    const pointer = `${at}/burst`;
    writes.push({ key, file: "cpu.cfs_burst_us", value: `${burst}`, pointer, tolerate: ENOENT, retryAfter });
  }
  if (isGiven(quota)) writes.push({ key, file: quotaFile, value: `${quota}`, pointer: `${at}/quota` });
  if (idle !== undefined) writes.push({ key, file: "cpu.idle", value: `${idle}`, pointer: `${at}/idle` });
  const runtimeFile = "cpu.rt_runtime_us";
  if (isGiven(realtimePeriod)) {
    const pointer = `${at}/realtimePeriod`;
    const after = isGiven(realtimeRuntime) ? runtimeFile : undefined;
    writes.push({ key, file: "cpu.rt_period_us", value: `${realtimePeriod}`, pointer, retryAfter: after });
  }
  if (isGiven(realtimeRuntime)) {
    writes.push({ key, file: runtimeFile, value: `${realtimeRuntime}`, pointer: `${at}/realtimeRuntime` });
  }
}

function blkioWrites(io: NonNullable<LinuxResources["blockIO"]>, writes: ResourceWrite[]): void {
  const key = "blkio";
  const at = `${AT}/blockIO`;
  const { weight, leafWeight } = io;
  if (isGiven(weight)) {
    const orElse = { file: "blkio.bfq.weight", value: `${weight}` };
    writes.push({ key, file: "blkio.weight", value: `${weight}`, pointer: `${at}/weight`, orElse });
  }
  if (isGiven(leafWeight)) {
    writes.push({ key, file: "blkio.leaf_weight", value: `${leafWeight}`, pointer: `${at}/leafWeight` });
  }
  io.weightDevice?.forEach((device, index) => {
    const pointer = `${at}/weightDevice/${index}`;
    const name = `${device.major}:${device.minor}`;
    if (isGiven(device.weight)) {
      const value = `${name} ${device.weight}`;
      const orElse = { file: "blkio.bfq.weight_device", value };
      writes.push({ key, file: "blkio.weight_device", value, pointer, orElse });
    }
    if (isGiven(device.leafWeight)) {
      writes.push({ key, file: "blkio.leaf_weight_device", value: `${name} ${device.leafWeight}`, pointer });
    }
  });
  const throttles = [
    ["throttleReadBpsDevice", "blkio.throttle.read_bps_device"],
    ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device"],
    ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device"],
    ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device"],
  ] as const;
  for (const [field, file] of throttles) {
    io[field]?.forEach((device, index) => {
      const value = `${device.major}:${device.minor} ${device.rate}`;
      writes.push({ key, file, value, pointer: `${at}/${field}/${index}` });
    });
  }
}

function hugetlbWrites(limits: NonNullable<LinuxResources["hugepageLimits"]>, writes: ResourceWrite[]): void {
  limits.forEach(({ pageSize, limit }, index) => {
    const prefix = `hugetlb.${hugepageSize(pageSize, index)}`;
    const pointer = `${AT}/hugepageLimits/${index}/limit`;
    const value = `${limit}`;
    writes.push({ key: "hugetlb", file: `${prefix}.limit_in_bytes`, value, pointer });
    // Reservations are counted since Linux 5.7.
    writes.push({ key: "hugetlb", file: `${prefix}.rsvd.limit_in_bytes`, value, pointer, tolerate: ENOENT });
  });
}

function networkWrites(network: NonNullable<LinuxResources["network"]>, writes: ResourceWrite[]): void {
  const at = `${AT}/network`;
  if (isGiven(network.classID)) {
    writes.push({ key: "net_cls", file: "net_cls.classid", value: `${network.classID}`, pointer: `${at}/classID` });
  }
  network.priorities?.forEach(({ name, priority }, index) => {
    const value = `${name} ${priority}`;
    writes.push({ key: "net_prio", file: "net_prio.ifpriomap", value, pointer: `${at}/priorities/${index}` });
  });
}
