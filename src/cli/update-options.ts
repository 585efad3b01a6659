import type { CommandSpec, OptionSpec } from "./command-table.ts";

/** `update`'s part of the command table: long, and needed by nobody else. */
export function updateCommand(): CommandSpec {
  return {
    summary: "update container resource constraints",
    usage: "<container-id>",
    minimum: 1,
    maximum: 1,
    options: [
      {
        name: "resources",
        short: "r",
        type: "string",
        value: "FILE",
        help: 'read the limits from FILE, or from standard input for "-": JSON as in linux.resources of config.json, where what is left out stays as it is. All other limits given as options are ignored then',
      },
      { name: "blkio-weight", type: "int", value: "N", help: "weight of the cgroup, 10 to 1000" },
      ...cpuOptions(),
      { name: "kernel-memory", type: "string", value: "BYTES", hidden: true, help: "(obsolete: ignored)" },
      { name: "kernel-memory-tcp", type: "string", value: "BYTES", hidden: true, help: "(obsolete: ignored)" },
      size("memory", "memory limit, in bytes or with a suffix (64M); -1 for no limit"),
      size("memory-reservation", "memory reservation or soft limit"),
      size("memory-swap", "memory and swap together; -1 for unlimited swap"),
      {
        name: "pids-limit",
        type: "int",
        value: "N",
        help: "how many processes the container may have; -1 for no limit",
      },
      { name: "l3-cache-schema", type: "string", value: "SCHEMA", help: "Intel RDT/CAT L3 cache schema" },
      { name: "mem-bw-schema", type: "string", value: "SCHEMA", help: "Intel RDT/MBA memory bandwidth schema" },
    ],
  };
}

function cpuOptions(): OptionSpec[] {
  const us = "MICROSECONDS";
  return [
    { name: "cpu-period", type: "string", value: us, help: "CFS period to be used for hardcapping" },
    { name: "cpu-quota", type: "string", value: us, help: "CPU time allowed in a period; -1 for no limit" },
    { name: "cpu-burst", type: "string", value: us, help: "CPU time that may be saved up and used beyond the quota" },
    { name: "cpu-share", type: "string", value: "N", help: "CPU shares (relative weight to other containers)" },
    { name: "cpu-rt-period", type: "string", value: us, help: "realtime period to be used for hardcapping" },
    { name: "cpu-rt-runtime", type: "string", value: us, help: "realtime CPU time allowed in a period" },
    { name: "cpu-idle", type: "string", value: "0|1", help: "1: run only when nothing else wants to (SCHED_IDLE)" },
    { name: "cpuset-cpus", type: "string", value: "LIST", help: "the CPUs to use" },
    { name: "cpuset-mems", type: "string", value: "LIST", help: "the memory nodes to use" },
  ];
}

function size(name: string, help: string): OptionSpec {
  return { name, type: "string", value: "BYTES", help };
}
