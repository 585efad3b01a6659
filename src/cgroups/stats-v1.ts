import { exists } from "../../native-bindings/files.ts";
import { blkioStatsV1 } from "./blkio-stats-v1.ts";
import { contentOf, listIn, numberIn, numberOf, numbersIn, UNLIMITED } from "./stat-files.ts";
import { hugetlbStats, memoryEntry, noCpuset, orAbsent, rawMemory, throttling } from "./stat-shapes.ts";
import type { CpuStats, CpusetStats, HugetlbStats, MemoryEntry, MemoryStats, PidsStats, Stats } from "./stats.ts";

/**
 * @param paths the cgroup's directory in each hierarchy.
 * @see https://www.kernel.org/doc/Documentation/cgroup-v1/
 */
export function readStatsV1(paths: Readonly<Record<string, string>>): Stats {
  const { cpu, cpuacct, cpuset, memory, pids, blkio, hugetlb } = paths;
  return {
    cpu: { usage: cpuacct === undefined ? undefined : cpuUsage(cpuacct), throttling: cpuThrottling(cpu) },
    cpuset: cpuset === undefined ? noCpuset : cpusetStats(cpuset),
    memory: memory === undefined ? {} : memoryStats(memory),
    pids: pids === undefined ? {} : pidsStats(pids),
    blkio: blkio === undefined ? {} : blkioStatsV1(blkio),
    hugetlb: hugetlb === undefined ? {} : hugetlbStats((size) => hugetlbOf(hugetlb, size)),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** A clock tick of cpuacct.stat, in nanoseconds: USER_HZ is 100 on every architecture that is supported. */
const TICK_NS = 10_000_000n;

function cpuUsage(directory: string): CpuStats["usage"] {
  const inModes = numbersIn(`${directory}/cpuacct.stat`);
  if (inModes === undefined) return undefined;
  const [percpu_kernel, percpu_user] = perCpuInModes(directory);
  return {
    total: orAbsent(numberIn(`${directory}/cpuacct.usage`)),
    percpu: listOf((contentOf(`${directory}/cpuacct.usage_percpu`) ?? "").split(/\s+/)),
    percpu_kernel,
    percpu_user,
    kernel: (inModes.get("system") ?? 0n) * TICK_NS,
    user: (inModes.get("user") ?? 0n) * TICK_NS,
  };
}

/** cpuacct.usage_all: a header, then "CPU USER SYSTEM" for each. */
function perCpuInModes(directory: string): [kernel: bigint[] | undefined, user: bigint[] | undefined] {
  const [, ...lines] = (contentOf(`${directory}/cpuacct.usage_all`) ?? "").split("\n");
  const fields = lines.map((line) => line.split(" "));
  return [listOf(fields.map(([, , kernel = ""]) => kernel)), listOf(fields.map(([, user = ""]) => user))];
}

function listOf(texts: readonly string[]): bigint[] | undefined {
  const list = texts.map(numberOf).filter((value) => value !== undefined);
  return list.length === 0 ? undefined : list;
}

function cpuThrottling(directory: string | undefined): CpuStats["throttling"] {
  const stat = directory === undefined ? undefined : numbersIn(`${directory}/cpu.stat`);
  return throttling(stat?.get("nr_periods"), stat?.get("nr_throttled"), stat?.get("throttled_time"));
}

function cpusetStats(directory: string): CpusetStats {
  const flag = (name: string) => numberIn(`${directory}/cpuset.${name}`) ?? 0n;
  return {
    cpus: listIn(`${directory}/cpuset.cpus`),
    cpu_exclusive: flag("cpu_exclusive"),
    mems: listIn(`${directory}/cpuset.mems`),
    mem_hardwall: flag("mem_hardwall"),
    mem_exclusive: flag("mem_exclusive"),
    memory_migrate: flag("memory_migrate"),
    memory_spread_page: flag("memory_spread_page"),
    memory_spread_slab: flag("memory_spread_slab"),
    memory_pressure: flag("memory_pressure"),
    sched_load_balance: flag("sched_load_balance"),
    // -1 to 5, and -1 is a value of its own.
    sched_relax_domain_level: Number(contentOf(`${directory}/cpuset.sched_relax_domain_level`) ?? 0),
  };
}

function memoryStats(directory: string): MemoryStats {
  const stat = numbersIn(`${directory}/memory.stat`);
  if (stat === undefined) return {};
  return {
    cache: orAbsent(stat.get("cache")),
    usage: memoryOf(directory, "memory"),
    swap: memoryOf(directory, "memory.memsw"),
    kernel: memoryOf(directory, "memory.kmem"),
    kernelTCP: memoryOf(directory, "memory.kmem.tcp"),
    raw: rawMemory(stat),
  };
}

function memoryOf(directory: string, kind: string): MemoryEntry | undefined {
  const [limit, usage, max, failcnt] = ["limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt"].map(
    (name) => numberIn(`${directory}/${kind}.${name}`),
  );
  return usage === undefined ? undefined : memoryEntry(limit, usage, max, failcnt);
}

function pidsStats(directory: string): PidsStats {
  const limit = numberIn(`${directory}/pids.max`);
  return {
    current: orAbsent(numberIn(`${directory}/pids.current`)),
    limit: limit === UNLIMITED ? undefined : orAbsent(limit),
  };
}

/** Reservations where the kernel counts them (Linux 5.7), else what is in use. */
function hugetlbOf(directory: string, size: string): HugetlbStats | undefined {
  const reserved = `${directory}/hugetlb.${size}.rsvd`;
  const file = exists(`${reserved}.usage_in_bytes`) ? reserved : `${directory}/hugetlb.${size}`;
  const usage = numberIn(`${file}.usage_in_bytes`);
  if (usage === undefined) return undefined;
  return {
    usage: orAbsent(usage),
    max: orAbsent(numberIn(`${file}.max_usage_in_bytes`)),
    failcnt: numberIn(`${file}.failcnt`) ?? 0n,
  };
}
