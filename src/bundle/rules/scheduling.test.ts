import { testRows } from "../document-table.ts";

const at = "/process/scheduler";
const memory = "/linux/memoryPolicy";

testRows([
  ["an empty policy is none", { [at]: { policy: "" } }, `${at}/policy: scheduler policy is required`],
  [
    "a flag that is none",
    { [at]: { policy: "SCHED_OTHER", flags: ["X"] } },
    `${at}/flags/0: invalid scheduler flag: X`,
  ],
  ["a scheduler needs a policy", { [at]: { nice: 1 } }, `${at}/policy: scheduler policy is required`],
  [
    "a policy is one of the kernel's",
    { [at]: { policy: "SCHED_FAST" } },
    `${at}/policy: invalid scheduler policy: SCHED_FAST`,
  ],
  ["nice may be 19", { [at]: { policy: "SCHED_OTHER", nice: 19 } }],
  [
    "nice may not be 20",
    { [at]: { policy: "SCHED_BATCH", nice: 20 } },
    `${at}/nice: invalid scheduler.nice: 20 when scheduler.policy is SCHED_BATCH`,
  ],
  [
    "nice may not be -21",
    { [at]: { policy: "SCHED_OTHER", nice: -21 } },
    `${at}/nice: invalid scheduler.nice: -21 when scheduler.policy is SCHED_OTHER`,
  ],
  [
    "a priority is for realtime policies",
    { [at]: { policy: "SCHED_OTHER", priority: 1 } },
    `${at}/priority: scheduler.priority can only be specified for SchedFIFO or SchedRR policy`,
  ],
  ["a realtime priority of 99 is accepted", { [at]: { policy: "SCHED_RR", priority: 99 } }],
  [
    "a realtime policy needs a priority",
    { [at]: { policy: "SCHED_FIFO" } },
    `${at}/priority: invalid scheduler.priority: 0 when scheduler.policy is SCHED_FIFO`,
  ],
  [
    "a runtime is for the deadline policy",
    { [at]: { policy: "SCHED_RR", priority: 1, runtime: 5 } },
    `${at}: scheduler runtime/deadline/period can only be specified for SchedDeadline policy`,
  ],
  [
    "an ordered deadline is accepted",
    { [at]: { policy: "SCHED_DEADLINE", runtime: 1024, deadline: 2048, period: 4096 } },
  ],
  [
    "a runtime beyond the deadline is refused",
    { [at]: { policy: "SCHED_DEADLINE", runtime: 4096, deadline: 2048, period: 8192 } },
    `${at}: invalid deadline scheduling`,
  ],
  ["an I/O priority of 7 is accepted", { "/process/ioPriority": { class: "IOPRIO_CLASS_BE", priority: 7 } }],
  [
    "an I/O priority of 8 is refused",
    { "/process/ioPriority": { class: "IOPRIO_CLASS_BE", priority: 8 } },
    "/process/ioPriority/priority: invalid ioPriority.Priority: 8",
  ],
  [
    "an I/O class is one of three",
    { "/process/ioPriority": { class: "RT" } },
    '/process/ioPriority/class: invalid ioPriority.Class: "RT"',
  ],
  ["CPU affinities are lists", { "/process/execCPUAffinity": { initial: "0-3,7", final: "1" } }],
  [
    "a range of CPUs has an end",
    { "/process/execCPUAffinity": { initial: "0-" } },
    "/process/execCPUAffinity/initial: bad initial CPU affinity",
  ],
  [
    "a list of CPUs names at least one",
    { "/process/execCPUAffinity": { final: "," } },
    "/process/execCPUAffinity/final: bad final CPU affinity",
  ],
  [
    "binding memory needs nodes",
    { [memory]: { mode: "MPOL_BIND" } },
    `${memory}/nodes: memory policy mode requires at least one node but got 0`,
  ],
  [
    "local memory takes no nodes",
    { [memory]: { mode: "MPOL_LOCAL", nodes: "0-1" } },
    `${memory}/nodes: memory policy mode requires 0 nodes but got 2`,
  ],
  ["preferred memory may have no nodes", { [memory]: { mode: "MPOL_PREFERRED" } }],
  [
    "nodes are a list",
    { [memory]: { mode: "MPOL_BIND", nodes: "3-1" } },
    `${memory}/nodes: invalid memory policy nodes "3-1"`,
  ],
  [
    "static and relative nodes exclude each other",
    { [memory]: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"] } },
    `${memory}/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`,
  ],
  [
    "balancing is for bound memory",
    { [memory]: { mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] } },
    `${memory}/flags: MPOL_F_NUMA_BALANCING can't be used with MPOL_INTERLEAVE`,
  ],
  [
    "a memory policy's mode is one of the kernel's",
    { [memory]: { mode: "BIND" } },
    `${memory}/mode: invalid memory policy mode "BIND"`,
  ],
]);
