import { exists } from "../../native-bindings/files.ts";
import { contentOf, numberIn, numberOf, numbersIn, UNLIMITED } from "./stat-files.ts";
import {
  blkioEntry,
  blkioStats,
  hugetlbStats,
  memoryEntry,
  noCpuset,
  orAbsent,
  rawMemory,
  throttling,
} from "./stat-shapes.ts";
import type {
  BlkioEntry,
  BlkioStats,
  blkioFields,
  CpuStats,
  HugetlbStats,
  MemoryStats,
  PidsStats,
  Pressure,
  PressureLine,
  Stats,
} from "./stats.ts";

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html */
export function readStatsV2(directory: string): Stats {
  return {
    cpu: cpuStats(directory),
    cpuset: noCpuset,
    memory: memoryStats(directory),
    pids: pidsStats(directory),
    blkio: { ...ioStats(directory), psi: pressureIn(`${directory}/io.pressure`) },
    hugetlb: hugetlbStats((size) => hugetlbOf(directory, size)),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** cpu.stat counts in microseconds, also where the controller is not enabled. */
function cpuStats(directory: string): CpuStats {
  const stat = numbersIn(`${directory}/cpu.stat`);
  const ns = (name: string) => (stat?.get(name) ?? 0n) * 1000n;
  const [total, user, kernel] = [ns("usage_usec"), ns("user_usec"), ns("system_usec")];
  const used = total !== 0n || user !== 0n || kernel !== 0n;
  return {
    usage: used ? { total: orAbsent(total), kernel, user } : undefined,
    throttling: throttling(stat?.get("nr_periods"), stat?.get("nr_throttled"), ns("throttled_usec")),
    psi: pressureIn(`${directory}/cpu.pressure`),
  };
}

/** For swap the specification, as v1, has memory and swap together. */
function memoryStats(directory: string): MemoryStats {
  const psi = pressureIn(`${directory}/memory.pressure`);
  const stat = numbersIn(`${directory}/memory.stat`);
  const usage = numberIn(`${directory}/memory.current`);
  if (stat === undefined || usage === undefined) return { psi };
  const limit = numberIn(`${directory}/memory.max`) ?? 0n;
  const swapLimit = numberIn(`${directory}/memory.swap.max`) ?? 0n;
  return {
    cache: orAbsent(stat.get("file")),
    usage: memoryEntry(limit, usage, numberIn(`${directory}/memory.peak`)),
    swap: memoryEntry(
      limit === UNLIMITED || swapLimit === UNLIMITED ? UNLIMITED : limit + swapLimit,
      usage + (numberIn(`${directory}/memory.swap.current`) ?? 0n),
    ),
    raw: rawMemory(stat),
    psi,
  };
}

function pidsStats(directory: string): PidsStats {
  const current = numberIn(`${directory}/pids.current`);
  if (current === undefined) {
    // Without the controller the processes of this one cgroup can be counted.
    const listed = contentOf(`${directory}/cgroup.procs`) ?? contentOf(`${directory}/cgroup.threads`);
    return { current: listed ? BigInt(listed.split("\n").length) : undefined };
  }
  const limit = numberIn(`${directory}/pids.max`);
  return { current: orAbsent(current), limit: limit === UNLIMITED ? undefined : orAbsent(limit) };
}

/** The keys of io.stat, and what v1 calls the same. */
const ioKeys: Readonly<Record<string, readonly [field: (typeof blkioFields)[number], op: string]>> = {
  rbytes: ["ioServiceBytesRecursive", "Read"],
  wbytes: ["ioServiceBytesRecursive", "Write"],
  rios: ["ioServicedRecursive", "Read"],
  wios: ["ioServicedRecursive", "Write"],
};

/** Lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6". */
function ioStats(directory: string): BlkioStats {
  const found = new Map<(typeof blkioFields)[number], BlkioEntry[]>();
  for (const line of (contentOf(`${directory}/io.stat`) ?? "").split("\n")) {
    const [device = "", ...items] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    if (major === undefined) continue;
    for (const item of items) {
      const [key = "", text] = item.split("=");
      const value = numberOf(text);
      if (!Object.hasOwn(ioKeys, key) || value === undefined) continue;
      const [field, op] = ioKeys[key]!;
      const entries = found.get(field) ?? [];
      entries.push(blkioEntry(BigInt(major), BigInt(minor!), op, value));
      found.set(field, entries);
    }
  }
  return blkioStats(found);
}

/** Reservations where the kernel counts them (Linux 5.7), else what is in use. */
function hugetlbOf(directory: string, size: string): HugetlbStats | undefined {
  const file = `${directory}/hugetlb.${size}`;
  const usage = numberIn(exists(`${file}.rsvd.current`) ? `${file}.rsvd.current` : `${file}.current`);
  if (usage === undefined) return undefined;
  return { usage: orAbsent(usage), failcnt: numbersIn(`${file}.events`)?.get("max") ?? 0n };
}

/** Lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"; undefined where the kernel does not measure it. */
function pressureIn(path: string): Pressure | undefined {
  const content = contentOf(path);
  if (content === undefined) return undefined;
  const line = (kind: string): PressureLine => {
    const text = content.split("\n").find((candidate) => candidate.startsWith(`${kind} `)) ?? "";
    const share = (name: string) => Number(new RegExp(`\\b${name}=([\\d.]+)`).exec(text)?.[1] ?? 0);
    const total = BigInt(/\btotal=(\d+)/.exec(text)?.[1] ?? 0);
    return { avg10: share("avg10"), avg60: share("avg60"), avg300: share("avg300"), total };
  };
  return { some: line("some"), full: line("full") };
}
