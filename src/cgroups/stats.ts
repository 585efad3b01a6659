/**
 * What a container has used, in the shape that `events` prints: runc's names and order, and as there, what is 0 or empty is
 * left out of most places.
 *
 * @see https://github.com/opencontainers/runc/blob/main/types/events.go
 */
import type { CgroupRecord } from "./record.ts";

export interface Stats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  /** By page size: "2MB". */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  readonly intel_rdt: object;
  /** runc counts those that it has made itself, which is none. */
  readonly network_interfaces: null;
}

export interface CpuStats {
  /** Nanoseconds. */
  readonly usage?: {
    readonly total?: bigint;
    readonly percpu?: readonly bigint[];
    readonly percpu_kernel?: readonly bigint[];
    readonly percpu_user?: readonly bigint[];
    readonly kernel: bigint;
    readonly user: bigint;
  };
  readonly throttling?: {
    readonly periods?: bigint;
    readonly throttledPeriods?: bigint;
    /** Nanoseconds. */
    readonly throttledTime?: bigint;
  };
  readonly psi?: Pressure;
}

/** Pressure stall information, Documentation/accounting/psi.rst: shares of time in percent, and microseconds. */
export interface Pressure {
  readonly some: PressureLine;
  readonly full: PressureLine;
}

export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

export interface CpusetStats {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: bigint;
  readonly mems?: readonly number[];
  readonly mem_hardwall: bigint;
  readonly mem_exclusive: bigint;
  readonly memory_migrate: bigint;
  readonly memory_spread_page: bigint;
  readonly memory_spread_slab: bigint;
  readonly memory_pressure: bigint;
  readonly sched_load_balance: bigint;
  readonly sched_relax_domain_level: number;
}

/** Bytes. */
export interface MemoryEntry {
  readonly limit: bigint;
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
}

export interface MemoryStats {
  readonly cache?: bigint;
  readonly usage?: MemoryEntry;
  /** Memory and swap together. */
  readonly swap?: MemoryEntry;
  readonly kernel?: MemoryEntry;
  readonly kernelTCP?: MemoryEntry;
  /** All of memory.stat. */
  readonly raw?: Readonly<Record<string, bigint>>;
  readonly psi?: Pressure;
}

export interface PidsStats {
  readonly current?: bigint;
  /** Left out when there is none. */
  readonly limit?: bigint;
}

export interface BlkioEntry {
  readonly major?: bigint;
  readonly minor?: bigint;
  readonly op?: string;
  readonly value?: bigint;
}

export const blkioFields = [
  "ioServiceBytesRecursive",
  "ioServicedRecursive",
  "ioQueueRecursive",
  "ioServiceTimeRecursive",
  "ioWaitTimeRecursive",
  "ioMergedRecursive",
  "ioTimeRecursive",
  "sectorsRecursive",
] as const;

export type BlkioStats = { readonly [field in (typeof blkioFields)[number]]?: readonly BlkioEntry[] } & {
  readonly psi?: Pressure;
};

export interface HugetlbStats {
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
}

/** Reads what a container has used so far. A hierarchy that it is not in counts nothing. @throws SystemError */
export function readStats(record: CgroupRecord): Stats {
  if (record.mode === "v2") {
    const { readStatsV2 } = require("./stats-v2.ts") as typeof import("./stats-v2.ts");
    return readStatsV2(record.paths[""] ?? "");
  }
  const { readStatsV1 } = require("./stats-v1.ts") as typeof import("./stats-v1.ts");
  return readStatsV1(record.paths);
}
