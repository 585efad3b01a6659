/** What few configs ask for; loaded only for those that do. */

import type { Config, LinuxIOPriority, LinuxMemoryPolicy, LinuxPersonality, Scheduler } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Step } from "./step.ts";
import type { Personality, SetIoPriority, SetMemoryPolicy, SetScheduler } from "./steps/kernel-settings.ts";

/** scheduler, ioPriority, personality, memoryPolicy: in runc's order. */
export function planRareSettings(config: Config): Step[] {
  const steps: Step[] = [];
  const { scheduler, ioPriority } = config.process!;
  if (scheduler !== undefined) steps.push(schedulerStep(scheduler));
  if (ioPriority !== undefined) steps.push(ioPriorityStep(ioPriority));
  if (config.linux?.personality !== undefined) steps.push(personalityStep(config.linux.personality));
  if (config.linux?.memoryPolicy !== undefined) steps.push(memoryPolicyStep(config.linux.memoryPolicy));
  return steps;
}

const policies: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const schedulerFlags: Readonly<Record<string, bigint>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01n,
  SCHED_FLAG_RECLAIM: 0x02n,
  SCHED_FLAG_DL_OVERRUN: 0x04n,
  SCHED_FLAG_KEEP_POLICY: 0x08n,
  SCHED_FLAG_KEEP_PARAMS: 0x10n,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20n,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40n,
};

/** struct sched_attr, sched_setattr(2): 56 bytes, times in nanoseconds. */
function schedulerStep(scheduler: Scheduler): SetScheduler {
  const attributes = new DataView(new ArrayBuffer(56));
  let flags = 0n;
  for (const flag of scheduler.flags ?? []) flags |= schedulerFlags[flag]!;
  attributes.setUint32(0, 56, true);
  attributes.setUint32(4, policies[scheduler.policy]!, true);
  attributes.setBigUint64(8, flags, true);
  attributes.setInt32(16, scheduler.nice ?? 0, true);
  attributes.setUint32(20, scheduler.priority ?? 0, true);
  attributes.setBigUint64(24, BigInt(scheduler.runtime ?? 0), true);
  attributes.setBigUint64(32, BigInt(scheduler.deadline ?? 0), true);
  attributes.setBigUint64(40, BigInt(scheduler.period ?? 0), true);
  return {
    kind: "scheduler",
    from: "/process/scheduler",
    policy: scheduler.policy,
    attributes: new Uint8Array(attributes.buffer),
  };
}

/** ioprio_set(2): the class in the bits from 13 up. */
function ioPriorityStep({ class: name, priority }: LinuxIOPriority): SetIoPriority {
  const CLASSES: Readonly<Record<string, number>> = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 };
  return {
    kind: "io-priority",
    from: "/process/ioPriority",
    class: name,
    value: (CLASSES[name]! << 13) | (priority ?? 0),
  };
}

function personalityStep({ domain }: LinuxPersonality): Personality {
  const PER_LINUX32 = 8;
  return {
    kind: "personality",
    from: "/linux/personality/domain",
    domain,
    persona: domain === "LINUX32" ? PER_LINUX32 : 0,
  };
}

const memoryModes: Readonly<Record<string, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

const memoryFlags: Readonly<Record<string, number>> = {
  MPOL_F_NUMA_BALANCING: 0x2000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_STATIC_NODES: 0x8000,
};

function memoryPolicyStep(policy: LinuxMemoryPolicy): SetMemoryPolicy {
  let mode = memoryModes[policy.mode]!;
  for (const flag of policy.flags ?? []) mode |= memoryFlags[flag]!;
  return {
    kind: "memory-policy",
    from: "/linux/memoryPolicy",
    mode,
    nodes: nodeMask(policy.nodes ?? ""),
    text: `${policy.mode}${policy.nodes ? ` on nodes ${policy.nodes}` : ""}`,
  };
}

/** Highest node number that runc accepts. */
const MAX_NODE = 65536;

/** "0-3,5" → bits in 64-bit words. */
function nodeMask(list: string): Uint8Array {
  const nodes: number[] = [];
  for (const item of list.split(",")) {
    if (item.trim() === "") continue;
    const [first, last] = item.split("-");
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from > to || to > MAX_NODE) {
      throw new RuntimeFault({ what: "invalid memory policy nodes", where: "/linux/memoryPolicy/nodes", value: list });
    }
    for (let node = from; node <= to; node++) nodes.push(node);
  }
  if (nodes.length === 0) return new Uint8Array(0);
  const mask = new Uint8Array((Math.floor(Math.max(...nodes) / 64) + 1) * 8);
  for (const node of nodes) mask[node >> 3]! |= 1 << (node & 7);
  return mask;
}
