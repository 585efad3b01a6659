import type { CPUAffinity, LinuxIOPriority, LinuxMemoryPolicy, Process, Scheduler } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";
import { countNumberList } from "./number-list.ts";

/** scheduler, ioPriority and execCPUAffinity of a process. */
export function checkScheduling(process: Process, at: string, into: ConfigFault[]): void {
  if (process.scheduler !== undefined) checkScheduler(process.scheduler, `${at}/scheduler`, into);
  if (process.ioPriority !== undefined) checkIoPriority(process.ioPriority, `${at}/ioPriority`, into);
  if (process.execCPUAffinity !== undefined) checkAffinity(process.execCPUAffinity, `${at}/execCPUAffinity`, into);
}

/** sched_setattr(2). */
function checkScheduler(scheduler: Scheduler, at: string, into: ConfigFault[]): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const realtime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  if ((policy === "SCHED_OTHER" || policy === "SCHED_BATCH") && (nice < -20 || nice > 19)) {
    fault(into, `${at}/nice`, `invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`, nice, "-20 to 19");
  }
  if (priority !== 0 && !realtime) {
    const message = "scheduler.priority can only be specified for SchedFIFO or SchedRR policy";
    fault(into, `${at}/priority`, message, priority);
  }
  if (realtime && (priority < 1 || priority > 99)) {
    fault(
      into,
      `${at}/priority`,
      `invalid scheduler.priority: ${priority} when scheduler.policy is ${policy}`,
      priority,
      "1 to 99",
    );
  }
  if (policy === "SCHED_DEADLINE") {
    const ordered = runtime >= 1024 && runtime <= deadline && (period === 0 || deadline <= period);
    if (!ordered) fault(into, at, "invalid deadline scheduling", undefined, "1024 <= runtime <= deadline <= period");
  } else if (runtime !== 0 || deadline !== 0 || period !== 0) {
    fault(into, at, "scheduler runtime/deadline/period can only be specified for SchedDeadline policy");
  }
}

/** ioprio_set(2). */
function checkIoPriority({ priority = 0 }: LinuxIOPriority, at: string, into: ConfigFault[]): void {
  if (priority >= 0 && priority <= 7) return;
  fault(into, `${at}/priority`, `invalid ioPriority.Priority: ${priority}`, priority, "0 to 7");
}

function checkAffinity(affinity: CPUAffinity, at: string, into: ConfigFault[]): void {
  for (const name of ["initial", "final"] as const) {
    const list = affinity[name];
    if (list === undefined || list === "" || countNumberList(list)) continue;
    fault(into, `${at}/${name}`, `bad ${name} CPU affinity`, list, "a list of CPUs such as 0-3,7");
  }
}

/** set_mempolicy(2): which modes take nodes. */
export function checkMemoryPolicy(policy: LinuxMemoryPolicy, at: string, into: ConfigFault[]): void {
  const nodes = countNumberList(policy.nodes ?? "");
  if (nodes === undefined) {
    fault(into, `${at}/nodes`, `invalid memory policy nodes "${policy.nodes}"`, policy.nodes, "a list such as 0-3,7");
  } else if (policy.mode === "MPOL_DEFAULT" || policy.mode === "MPOL_LOCAL") {
    if (nodes !== 0) fault(into, `${at}/nodes`, `memory policy mode requires 0 nodes but got ${nodes}`, policy.nodes);
  } else if (policy.mode !== "MPOL_PREFERRED" && nodes === 0) {
    fault(into, `${at}/nodes`, "memory policy mode requires at least one node but got 0", policy.nodes);
  }
  const flags = policy.flags ?? [];
  if (flags.includes("MPOL_F_STATIC_NODES") && flags.includes("MPOL_F_RELATIVE_NODES")) {
    fault(into, `${at}/flags`, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
  }
  if (flags.includes("MPOL_F_NUMA_BALANCING") && policy.mode !== "MPOL_BIND" && policy.mode !== "MPOL_PREFERRED_MANY") {
    fault(into, `${at}/flags`, `MPOL_F_NUMA_BALANCING can't be used with ${policy.mode}`);
  }
}
