/** The parts of {@link Stats} that both versions of cgroups make. */
import { tryReadDirectory } from "../../native-bindings/files.ts";
import type { BlkioEntry, BlkioStats, CpuStats, CpusetStats, HugetlbStats, MemoryEntry } from "./stats.ts";
import { blkioFields } from "./stats.ts";

/** Where Go's JSON has `omitempty`. */
export function orAbsent(value: bigint | undefined): bigint | undefined {
  return value === 0n ? undefined : value;
}

/** Undefined when all is 0: Go's `omitzero`. */
export function memoryEntry(limit = 0n, usage = 0n, max = 0n, failcnt = 0n): MemoryEntry | undefined {
  if (limit === 0n && usage === 0n && max === 0n && failcnt === 0n) return undefined;
  return { limit, usage: orAbsent(usage), max: orAbsent(max), failcnt };
}

/** @param throttledTime nanoseconds. */
export function throttling(periods = 0n, throttledPeriods = 0n, throttledTime = 0n): CpuStats["throttling"] {
  if (periods === 0n && throttledPeriods === 0n && throttledTime === 0n) return undefined;
  return {
    periods: orAbsent(periods),
    throttledPeriods: orAbsent(throttledPeriods),
    throttledTime: orAbsent(throttledTime),
  };
}

/** What v2 says of cpusets: nothing. */
export const noCpuset: CpusetStats = {
  cpus: undefined,
  cpu_exclusive: 0n,
  mems: undefined,
  mem_hardwall: 0n,
  mem_exclusive: 0n,
  memory_migrate: 0n,
  memory_spread_page: 0n,
  memory_spread_slab: 0n,
  memory_pressure: 0n,
  sched_load_balance: 0n,
  sched_relax_domain_level: 0,
};

/** memory.stat, by name as Go sorts its maps; undefined when there is none. */
export function rawMemory(stat: ReadonlyMap<string, bigint> | undefined): Record<string, bigint> | undefined {
  if (stat === undefined || stat.size === 0) return undefined;
  const raw: Record<string, bigint> = Object.create(null);
  for (const key of [...stat.keys()].sort()) raw[key] = stat.get(key)!;
  return raw;
}

export function blkioEntry(major: bigint, minor: bigint, op: string, value: bigint): BlkioEntry {
  return { major: orAbsent(major), minor: orAbsent(minor), op: op || undefined, value: orAbsent(value) };
}

/** In runc's order, without what is empty. */
export function blkioStats(entries: ReadonlyMap<(typeof blkioFields)[number], BlkioEntry[]>): BlkioStats {
  const stats: { -readonly [field in keyof BlkioStats]: BlkioStats[field] } = {};
  for (const field of blkioFields) if (entries.get(field)?.length) stats[field] = entries.get(field);
  return stats;
}

/**
 * The counters of every size of huge pages that this machine has.
 *
 * @param read the counters by the name of the size in the files' names; undefined when there are none.
 */
export function hugetlbStats(read: (size: string) => HugetlbStats | undefined): Record<string, HugetlbStats> {
  const entries = tryReadDirectory("/sys/kernel/mm/hugepages");
  const sizes: string[] = [];
  for (const { name } of typeof entries === "number" ? [] : entries) {
    const kilobytes = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    if (kilobytes !== undefined) sizes.push(sizeName(Number(kilobytes)));
  }
  const stats: Record<string, HugetlbStats> = {};
  for (const size of sizes.sort()) {
    const found = read(size);
    if (found !== undefined) stats[size] = found;
  }
  return stats;
}

/** As the kernel names its files, mem_fmt() in mm/hugetlb_cgroup.c. */
function sizeName(kilobytes: number): string {
  if (kilobytes >= 2 ** 20) return `${Math.trunc(kilobytes / 2 ** 20)}GB`;
  return kilobytes >= 2 ** 10 ? `${Math.trunc(kilobytes / 2 ** 10)}MB` : `${kilobytes}KB`;
}
