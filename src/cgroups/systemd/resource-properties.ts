/**
 * Limits as properties of a unit: systemd must know them, or it would write its own over them when it is told to reload.
 * systemd.resource-control(5), org.freedesktop.systemd1(5).
 */
import type { BusValue } from "../../../native-bindings/sd-bus.ts";
import type { ResourceWrite } from "../resource-write.ts";

/** A property of a unit, with its D-Bus type. */
export interface Property {
  readonly name: string;
  readonly signature: string;
  readonly value: BusValue;
}

const INFINITY = 0xffff_ffff_ffff_ffffn;
/** CPUQuotaPerSecUSec is a whole percentage of a processor: 10 ms of a second. */
const PERCENT_US = 10_000n;
const SECOND_US = 1_000_000n;
const DEFAULT_PERIOD_US = 100_000n;
/** CPUWeight=0, for cpu.idle, is known from here on. */
const IDLE_SINCE = 252;
const CPUSET_SINCE = 244;
const PERIOD_SINCE = 242;

/** Files whose content is one number, or "max". */
const numbers: Readonly<Record<string, string>> = {
  "memory.max": "MemoryMax",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
  "cpu.weight": "CPUWeight",
  "memory.limit_in_bytes": "MemoryLimit",
  "cpu.shares": "CPUShares",
  "blkio.weight": "BlockIOWeight",
};

const lists: Readonly<Record<string, string>> = {
  "cpuset.cpus": "AllowedCPUs",
  "cpuset.mems": "AllowedMemoryNodes",
};

/**
 * What of the writes to control files systemd has a property for; of two for one property the later counts, as in the files.
 *
 * @param version systemd's.
 */
export function resourceProperties(writes: readonly ResourceWrite[], version: number): Property[] {
  const found = new Map<string, Property>();
  const add = (name: string, signature: string, value: BusValue) => found.set(name, { name, signature, value });
  let quota: string | undefined;
  let period: string | undefined;
  let idle = false;
  for (const { file, value } of writes) {
    const number = numbers[file];
    const list = lists[file];
    if (number !== undefined) addNumber(number, value.trim(), add);
    else if (list !== undefined) addList(list, value, version, add);
    else if (file === "cpu.max") [quota, period = "100000"] = value.trim().split(/\s+/);
    else if (file === "cpu.cfs_quota_us") quota = value;
    else if (file === "cpu.cfs_period_us") period = value;
    else if (file === "cpu.idle") idle = value.trim() === "1";
  }
  if (idle && version >= IDLE_SINCE) add("CPUWeight", "t", 0n);
  if (quota !== undefined || period !== undefined) addQuota(quota, period, version, add);
  return [...found.values()];
}

type Add = (name: string, signature: string, value: BusValue) => void;

function addNumber(name: string, value: string, add: Add): void {
  if (value === "max" || value === "-1") add(name, "t", INFINITY);
  else if (/^\d+$/.test(value)) add(name, "t", name === "TasksMax" && value === "0" ? 1n : BigInt(value));
}

function addList(name: string, value: string, version: number, add: Add): void {
  const mask = version >= CPUSET_SINCE ? maskOf(value) : undefined;
  if (mask !== undefined) add(name, "ay", mask);
}

/** "0-3,5" → bytes, the lowest bit of the first for 0. Undefined for what is no list: the kernel says so when it is written. */
export function maskOf(list: string): number[] | undefined {
  const bytes: number[] = [];
  for (const part of list.split(",")) {
    if (part.trim() === "") continue;
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return undefined;
    for (let bit = Number(first); bit <= Number(last ?? first); bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3]! |= 1 << (bit & 7);
    }
  }
  return bytes;
}

function addQuota(quota: string | undefined, period: string | undefined, version: number, add: Add): void {
  if (period !== undefined && /^\d+$/.test(period) && version >= PERIOD_SINCE) {
    add("CPUQuotaPeriodUSec", "t", BigInt(period));
  }
  add("CPUQuotaPerSecUSec", "t", perSecond(quota, period) ?? INFINITY);
}

/** Rounded up. Undefined for no limit. */
function perSecond(quota: string | undefined, period: string | undefined): bigint | undefined {
  if (quota === undefined || !/^\d+$/.test(quota) || quota === "0") return undefined;
  const exact = (BigInt(quota) * SECOND_US) / periodOf(period);
  return ((exact + PERCENT_US - 1n) / PERCENT_US) * PERCENT_US;
}

function periodOf(period: string | undefined): bigint {
  return period !== undefined && /^[1-9]\d*$/.test(period) ? BigInt(period) : DEFAULT_PERIOD_US;
}

/** The writes with the quota as systemd will write it: a whole percentage of a processor, rounded up. */
export function withRoundedQuota(writes: readonly ResourceWrite[]): ResourceWrite[] {
  const period = writes.find(({ file }) => file === "cpu.cfs_period_us")?.value;
  return writes.map((write) => {
    if (write.file === "cpu.max") {
      const [quota, own] = write.value.trim().split(/\s+/);
      const rounded = roundedQuota(quota!, own);
      return rounded === undefined ? write : { ...write, value: `${rounded} ${own ?? DEFAULT_PERIOD_US}` };
    }
    if (write.file !== "cpu.cfs_quota_us") return write;
    const rounded = roundedQuota(write.value, period);
    return rounded === undefined ? write : { ...write, value: `${rounded}` };
  });
}

function roundedQuota(quota: string, period: string | undefined): bigint | undefined {
  const rounded = perSecond(quota, period);
  return rounded === undefined ? undefined : (rounded * periodOf(period)) / SECOND_US;
}
