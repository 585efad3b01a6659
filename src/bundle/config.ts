/**
 * The types of config.json, named as in the specification's Go package, deeply readonly.
 *
 * Integers of 64 bits are `number | bigint`: a number where it is a safe integer, a bigint beyond 2^53. An empty string
 * means the same as an absent one (the specification's Go types cannot tell them apart, so callers write either).
 */
import type { z } from "zod";
import type * as top from "./schema/config.ts";
import type * as linux from "./schema/linux.ts";
import type * as process from "./schema/process.ts";
import type * as resources from "./schema/resources.ts";
import type * as seccomp from "./schema/seccomp.ts";

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

type Shape<Schema extends z.ZodType> = DeepReadonly<z.infer<Schema>>;

/** A whole config.json that a container can be made of: process, root, args and cwd are there. */
export type Config = Shape<typeof top.config>;
export type Root = Shape<typeof top.root>;
export type Mount = Shape<typeof top.mount>;
export type Hook = Shape<typeof top.hook>;
export type Hooks = Shape<typeof top.hooks>;
export type HookName = keyof Hooks;

export type Process = Shape<typeof process.process>;
export type Box = Shape<typeof process.box>;
export type User = Shape<typeof process.user>;
export type LinuxCapabilities = Shape<typeof process.linuxCapabilities>;
export type POSIXRlimit = Shape<typeof process.posixRlimit>;
export type RlimitType = POSIXRlimit["type"];
export type Scheduler = Shape<typeof process.scheduler>;
export type LinuxIOPriority = Shape<typeof process.linuxIOPriority>;
export type CPUAffinity = Shape<typeof process.cpuAffinity>;

export type Linux = Shape<typeof linux.linux>;
export type LinuxNamespace = Shape<typeof linux.linuxNamespace>;
export type LinuxNamespaceType = LinuxNamespace["type"];
export type LinuxIDMapping = Shape<typeof linux.linuxIDMapping>;
export type LinuxTimeOffset = Shape<typeof linux.linuxTimeOffset>;
export type LinuxDevice = Shape<typeof linux.linuxDevice>;
export type LinuxNetDevice = Shape<typeof linux.linuxNetDevice>;
export type LinuxIntelRdt = Shape<typeof linux.linuxIntelRdt>;
export type LinuxMemoryPolicy = Shape<typeof linux.linuxMemoryPolicy>;
export type LinuxPersonality = Shape<typeof linux.linuxPersonality>;
export type RootfsPropagation = Shape<typeof linux.rootfsPropagation>;

export type LinuxResources = Shape<typeof resources.linuxResources>;
export type LinuxDeviceCgroup = Shape<typeof resources.linuxDeviceCgroup>;
export type LinuxMemory = Shape<typeof resources.linuxMemory>;
export type LinuxCPU = Shape<typeof resources.linuxCPU>;
export type LinuxPids = Shape<typeof resources.linuxPids>;
export type LinuxBlockIO = Shape<typeof resources.linuxBlockIO>;
export type LinuxWeightDevice = Shape<typeof resources.linuxWeightDevice>;
export type LinuxThrottleDevice = Shape<typeof resources.linuxThrottleDevice>;
export type LinuxHugepageLimit = Shape<typeof resources.linuxHugepageLimit>;
export type LinuxNetwork = Shape<typeof resources.linuxNetwork>;
export type LinuxInterfacePriority = Shape<typeof resources.linuxInterfacePriority>;
export type LinuxRdma = Shape<typeof resources.linuxRdma>;

export type LinuxSeccomp = Shape<typeof seccomp.linuxSeccomp>;
export type LinuxSyscall = Shape<typeof seccomp.linuxSyscall>;
export type LinuxSeccompArg = Shape<typeof seccomp.linuxSeccompArg>;
export type LinuxSeccompAction = LinuxSeccomp["defaultAction"];
export type LinuxSeccompOperator = LinuxSeccompArg["op"];
export type LinuxSeccompFlag = Shape<typeof seccomp.seccompFlag>;
export type Arch = Shape<typeof seccomp.arch>;
