import { readTextIfThere } from "../../native-bindings/files.ts";
import type { LinuxMemory } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { CgroupRecord } from "./record.ts";
import { isGiven } from "./resource-write.ts";

/**
 * `memory.checkBeforeUpdate`: on v2 a limit below what is in use makes the kernel kill, so it is refused instead. v1
 * refuses by itself.
 *
 * @throws RuntimeFault in runc's words. When the usage can't be read there is nothing to compare with.
 */
export function refuseLimitBelowUsage(record: CgroupRecord, memory: LinuxMemory): void {
  if (!memory.checkBeforeUpdate || record.mode !== "v2") return;
  const usage = readTextIfThere(`${record.paths[""]}/memory.current`)?.trim();
  if (!usage) return;
  for (const [field, name] of [
    ["swap", "memory+swap"],
    ["limit", "memory"],
  ] as const) {
    const value = memory[field];
    if (!isGiven(value) || value < 0 || BigInt(value) > BigInt(usage)) continue;
    const what = `rejecting ${name} limit ${value} <= usage ${usage}`;
    throw new RuntimeFault({ what, where: `/linux/resources/memory/${field}` });
  }
}
