import { z } from "zod";
import { int32, uint16, uint32, uint64 } from "./integers.ts";
import { strings } from "./strings.ts";

export const box = z.object({ height: uint16, width: uint16 }).meta({ id: "Box" });

export const user = z
  .object({
    uid: uint32.optional(),
    gid: uint32.optional(),
    umask: uint32.optional(),
    additionalGids: z.array(uint32).optional(),
    username: z.string().optional(),
  })
  .meta({ id: "User" });

export const linuxCapabilities = z
  .object({
    bounding: strings.optional(),
    effective: strings.optional(),
    inheritable: strings.optional(),
    permitted: strings.optional(),
    ambient: strings.optional(),
  })
  .meta({ id: "LinuxCapabilities" });

export const rlimitTypes = [
  "RLIMIT_AS",
  "RLIMIT_CORE",
  "RLIMIT_CPU",
  "RLIMIT_DATA",
  "RLIMIT_FSIZE",
  "RLIMIT_LOCKS",
  "RLIMIT_MEMLOCK",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_NOFILE",
  "RLIMIT_NPROC",
  "RLIMIT_RSS",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
  "RLIMIT_SIGPENDING",
  "RLIMIT_STACK",
] as const;

export const posixRlimit = z
  .object({ type: z.enum(rlimitTypes), hard: uint64, soft: uint64 })
  .meta({ id: "POSIXRlimit" });

export const scheduler = z
  .object({
    policy: z.enum([
      "SCHED_OTHER",
      "SCHED_FIFO",
      "SCHED_RR",
      "SCHED_BATCH",
      "SCHED_ISO",
      "SCHED_IDLE",
      "SCHED_DEADLINE",
    ]),
    nice: int32.optional(),
    priority: int32.optional(),
    flags: z
      .array(
        z.enum([
          "SCHED_FLAG_RESET_ON_FORK",
          "SCHED_FLAG_RECLAIM",
          "SCHED_FLAG_DL_OVERRUN",
          "SCHED_FLAG_KEEP_POLICY",
          "SCHED_FLAG_KEEP_PARAMS",
          "SCHED_FLAG_UTIL_CLAMP_MIN",
          "SCHED_FLAG_UTIL_CLAMP_MAX",
        ]),
      )
      .optional(),
    runtime: uint64.optional(),
    deadline: uint64.optional(),
    period: uint64.optional(),
  })
  .meta({ id: "Scheduler" });

export const linuxIOPriority = z
  .object({
    class: z.enum(["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]),
    priority: int32.optional(),
  })
  .meta({ id: "LinuxIOPriority" });

export const cpuAffinity = z
  .object({ initial: z.string().optional(), final: z.string().optional() })
  .meta({ id: "CPUAffinity" });

/** config.md "Process". `user` may be missing, which is root: runc reads it so, and callers rely on it. */
export const process = z
  .object({
    terminal: z.boolean().optional(),
    consoleSize: box.optional(),
    user: user.optional(),
    args: strings,
    commandLine: z.string().optional(),
    env: strings.optional(),
    cwd: z.string(),
    capabilities: linuxCapabilities.optional(),
    rlimits: z.array(posixRlimit).optional(),
    noNewPrivileges: z.boolean().optional(),
    apparmorProfile: z.string().optional(),
    oomScoreAdj: int32.optional(),
    scheduler: scheduler.optional(),
    selinuxLabel: z.string().optional(),
    ioPriority: linuxIOPriority.optional(),
    execCPUAffinity: cpuAffinity.optional(),
  })
  .meta({ id: "Process" });
