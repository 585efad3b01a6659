import { readTextIfThere } from "../../native-bindings/files.ts";
import type { LinuxCPU, LinuxMemory, LinuxResources } from "../bundle/config.ts";
import type { CgroupRecord } from "./record.ts";
import { isGiven } from "./resource-write.ts";

/**
 * An update's limits with what must be said along with them, and stays: on v2 a file may hold two of the specification's
 * fields, of which the update names one. On v1 every field has its file.
 */
export function completeUpdate(resources: LinuxResources, record: CgroupRecord): LinuxResources {
  const directory = record.paths[""];
  if (record.mode !== "v2" || directory === undefined) return resources;
  const { memory, cpu } = resources;
  return {
    ...resources,
    memory: memory && completeMemory(memory, directory),
    cpu: cpu && completeCpu(cpu, directory),
  };
}

/** cpu.max is quota and period. Without a quota it begins with "max". */
function completeCpu(cpu: LinuxCPU, directory: string): LinuxCPU {
  if (isGiven(cpu.quota) === isGiven(cpu.period)) return cpu;
  const [quota, period] = (readTextIfThere(`${directory}/cpu.max`) ?? "").trim().split(" ");
  if (period === undefined) return cpu;
  if (isGiven(cpu.quota)) return { ...cpu, period: Number(period) };
  return quota === "max" ? cpu : { ...cpu, quota: Number(quota) };
}

/**
 * The specification's `swap` is memory and swap together. So a new limit for memory alone means less or more swap, and
 * one for both can't be expressed without that for memory.
 */
function completeMemory(memory: LinuxMemory, directory: string): LinuxMemory {
  const unlimited = (memory.limit ?? 0) < 0 || (memory.swap ?? 0) < 0;
  if (unlimited || isGiven(memory.limit) === isGiven(memory.swap)) return memory;
  const limit = bytesIn(`${directory}/memory.max`);
  if (isGiven(memory.swap)) return limit === undefined ? memory : { ...memory, limit };
  const swap = bytesIn(`${directory}/memory.swap.max`);
  if (limit === undefined || swap === undefined) return memory;
  return { ...memory, swap: limit + swap };
}

/** Undefined when there is no limit, or no such file. */
function bytesIn(path: string): bigint | undefined {
  const content = readTextIfThere(path)?.trim();
  return content === undefined || !/^\d+$/.test(content) ? undefined : BigInt(content);
}
