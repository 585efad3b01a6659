import { ENOENT } from "../../native-bindings/errno.ts";
import type { LinuxResources } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import {
  checkSwap,
  hugepageSize,
  type Integer,
  isGiven,
  pidsMax,
  pointerPart,
  type ResourceWrite,
  rdmaLimit,
} from "./resource-write.ts";

const AT = "/linux/resources";
/** Documentation/admin-guide/cgroup-v2.rst, cpu.max. */
const DEFAULT_PERIOD_US = 100000;

/**
 * `linux.resources` as writes to cgroup v2 files, in the order of writing. Fields that only v1 has (swappiness, real-time
 * scheduling, leaf weights, network) have no file and are left out, as runc does. `unified` is last: it overrides.
 *
 * @throws RuntimeFault for values that can't be expressed.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#unified
 */
export function resourceWritesV2(resources: LinuxResources): ResourceWrite[] {
  const writes: ResourceWrite[] = [];
  const pids = resources.pids?.limit;
  if (pids !== undefined) writes.push(write("pids.max", pidsMax(pids), "pids/limit"));
  if (resources.memory) memoryWrites(resources.memory, writes);
  if (resources.blockIO) ioWrites(resources.blockIO, writes);
  if (resources.cpu) cpuWrites(resources.cpu, writes);
  if (resources.cpu?.cpus) writes.push(write("cpuset.cpus", resources.cpu.cpus, "cpu/cpus"));
  if (resources.cpu?.mems) writes.push(write("cpuset.mems", resources.cpu.mems, "cpu/mems"));
  resources.hugepageLimits?.forEach(({ pageSize, limit }, index) => {
    const prefix = `hugetlb.${hugepageSize(pageSize, index)}`;
    const field = `hugepageLimits/${index}/limit`;
    writes.push(write(`${prefix}.max`, `${limit}`, field));
    // Reservations are counted since Linux 5.7.
    writes.push({ ...write(`${prefix}.rsvd.max`, `${limit}`, field), tolerate: ENOENT });
  });
  for (const [device, limit] of Object.entries(resources.rdma ?? {})) {
    writes.push(write("rdma.max", rdmaLimit(device, limit), `rdma/${pointerPart(device)}`));
  }
  if (resources.unified) unifiedWrites(resources.unified, writes);
  return writes;
}

function write(file: string, value: string, field: string): ResourceWrite {
  return { key: "", file, value, pointer: `${AT}/${field}` };
}

function orMax(value: Integer): string {
  return value === -1 || value === -1n ? "max" : `${value}`;
}

function memoryWrites(memory: NonNullable<LinuxResources["memory"]>, writes: ResourceWrite[]): void {
  const { limit, reservation, swap } = memory;
  const swapMax = memorySwapMax(limit, swap);
  if (swapMax !== undefined) {
    // Without swap in the kernel there is nothing to take away or to leave unlimited.
    const tolerate = swapMax === "max" || swapMax === "0" ? ENOENT : undefined;
    writes.push({ ...write("memory.swap.max", swapMax, "memory/swap"), tolerate });
  }
  if (isGiven(limit)) writes.push(write("memory.max", orMax(limit), "memory/limit"));
  if (isGiven(reservation)) writes.push(write("memory.low", orMax(reservation), "memory/reservation"));
}

/**
 * memory.swap.max: the specification's `swap` is memory and swap together (v1), the file is swap alone.
 *
 * @returns undefined when nothing is to be written.
 */
function memorySwapMax(limit: Integer | undefined, swap: Integer | undefined): string | undefined {
  const unlimited = isGiven(limit) && limit < 0;
  if (!isGiven(swap)) return unlimited ? "max" : undefined;
  if (swap < 0) return orMax(swap);
  if (unlimited) return `${swap}`;
  if (!isGiven(limit)) {
    throw new RuntimeFault({
      what: "unable to set swap limit without memory limit",
      where: `${AT}/memory/swap`,
      value: swap,
    });
  }
  checkSwap(limit, swap);
  return `${BigInt(swap) - BigInt(limit)}`;
}

function ioWrites(io: NonNullable<LinuxResources["blockIO"]>, writes: ResourceWrite[]): void {
  const bfq = "io.bfq.weight";
  if (isGiven(io.weight)) {
    const orElse = { file: "io.weight", value: `${ioWeight(io.weight)}` };
    writes.push({ ...write(bfq, `${io.weight}`, "blockIO/weight"), orElse });
  }
  io.weightDevice?.forEach(({ major, minor, weight }, index) => {
    if (!isGiven(weight)) return;
    const line = write(bfq, `${major}:${minor} ${weight}`, `blockIO/weightDevice/${index}`);
    writes.push({ ...line, tolerate: ENOENT, perDevice: true });
  });
  const throttles = [
    ["throttleReadBpsDevice", "rbps"],
    ["throttleWriteBpsDevice", "wbps"],
    ["throttleReadIOPSDevice", "riops"],
    ["throttleWriteIOPSDevice", "wiops"],
  ] as const;
  for (const [field, name] of throttles) {
    io[field]?.forEach(({ major, minor, rate }, index) => {
      writes.push(write("io.max", `${major}:${minor} ${name}=${rate}`, `blockIO/${field}/${index}`));
    });
  }
}

/** blkio.weight (10 to 1000) on io.weight's scale (1 to 10000). */
export function ioWeight(weight: Integer): number {
  return 1 + Math.trunc(((Number(weight) - 10) * 9999) / 990);
}

function cpuWrites(cpu: NonNullable<LinuxResources["cpu"]>, writes: ResourceWrite[]): void {
  const { shares, quota, period, burst, idle } = cpu;
  if (idle !== undefined) writes.push(write("cpu.idle", `${idle}`, "cpu/idle"));
  if (isGiven(shares)) writes.push(write("cpu.weight", `${cpuWeight(shares)}`, "cpu/shares"));
  if (burst !== undefined) {
    // A burst above the quota that is still in force is refused.
    const retryAfter = isGiven(quota) ? "cpu.max" : undefined;
    writes.push({ ...write("cpu.max.burst", `${burst}`, "cpu/burst"), retryAfter });
  }
  if (isGiven(quota) || isGiven(period)) {
    const most = isGiven(quota) && quota > 0 ? `${quota}` : "max";
    const field = isGiven(quota) ? "cpu/quota" : "cpu/period";
    writes.push(write("cpu.max", `${most} ${isGiven(period) ? period : DEFAULT_PERIOD_US}`, field));
  }
}

/**
 * cpu.shares (2 to 262144) on cpu.weight's scale (1 to 10000), so that both ends and the default (1024 is 100) meet.
 *
 * The quadratic is runc's and crun's, from https://github.com/opencontainers/cgroups.
 */
export function cpuWeight(shares: Integer): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(Number(shares));
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function unifiedWrites(unified: Readonly<Record<string, string>>, writes: ResourceWrite[]): void {
  for (const [file, value] of Object.entries(unified)) {
    const where = `${AT}/unified/${pointerPart(file)}`;
    if (file.includes("/") || file.includes("\0")) {
      throw new RuntimeFault({ what: `unified resource "${file}" must be a file name (no slashes)`, where });
    }
    if (!file.includes(".")) {
      throw new RuntimeFault({
        what: `unified resource "${file}" must be in the form CONTROLLER.PARAMETER`,
        where,
      });
    }
    // io.max and its like take one device a write.
    for (const line of value.split("\n")) {
      if (line !== "" || value === "") writes.push({ key: "", file, value: line, pointer: where });
    }
  }
}
