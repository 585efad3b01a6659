import { z } from "zod";
import { int64, uint16, uint32, uint64 } from "./integers.ts";
import { stringMap } from "./strings.ts";

export const linuxDeviceCgroup = z
  .object({
    allow: z.boolean(),
    type: z.enum(["", "a", "b", "c"]).optional(),
    major: int64.optional(),
    minor: int64.optional(),
    access: z.string().optional(),
  })
  .meta({ id: "LinuxDeviceCgroup" });

export const linuxMemory = z
  .object({
    limit: int64.optional(),
    reservation: int64.optional(),
    swap: int64.optional(),
    kernel: int64.optional(),
    kernelTCP: int64.optional(),
    swappiness: uint64.optional(),
    disableOOMKiller: z.boolean().optional(),
    useHierarchy: z.boolean().optional(),
    checkBeforeUpdate: z.boolean().optional(),
  })
  .meta({ id: "LinuxMemory" });

export const linuxCPU = z
  .object({
    shares: uint64.optional(),
    quota: int64.optional(),
    burst: uint64.optional(),
    period: uint64.optional(),
    realtimeRuntime: int64.optional(),
    realtimePeriod: uint64.optional(),
    cpus: z.string().optional(),
    mems: z.string().optional(),
    idle: int64.optional(),
  })
  .meta({ id: "LinuxCPU" });

export const linuxPids = z.object({ limit: int64.optional() }).meta({ id: "LinuxPids" });

export const linuxWeightDevice = z
  .object({
    major: int64,
    minor: int64,
    weight: uint16.optional(),
    leafWeight: uint16.optional(),
  })
  .meta({ id: "LinuxWeightDevice" });

export const linuxThrottleDevice = z
  .object({ major: int64, minor: int64, rate: uint64 })
  .meta({ id: "LinuxThrottleDevice" });

export const linuxBlockIO = z
  .object({
    weight: uint16.optional(),
    leafWeight: uint16.optional(),
    weightDevice: z.array(linuxWeightDevice).optional(),
    throttleReadBpsDevice: z.array(linuxThrottleDevice).optional(),
    throttleWriteBpsDevice: z.array(linuxThrottleDevice).optional(),
    throttleReadIOPSDevice: z.array(linuxThrottleDevice).optional(),
    throttleWriteIOPSDevice: z.array(linuxThrottleDevice).optional(),
  })
  .meta({ id: "LinuxBlockIO" });

export const linuxHugepageLimit = z.object({ pageSize: z.string(), limit: uint64 }).meta({ id: "LinuxHugepageLimit" });

export const linuxInterfacePriority = z
  .object({ name: z.string(), priority: uint32 })
  .meta({ id: "LinuxInterfacePriority" });

export const linuxNetwork = z
  .object({
    classID: uint32.optional(),
    priorities: z.array(linuxInterfacePriority).optional(),
  })
  .meta({ id: "LinuxNetwork" });

export const linuxRdma = z
  .object({ hcaHandles: uint32.optional(), hcaObjects: uint32.optional() })
  .meta({ id: "LinuxRdma" });

/** config-linux.md "Control groups". */
export const linuxResources = z
  .object({
    devices: z.array(linuxDeviceCgroup).optional(),
    memory: linuxMemory.optional(),
    cpu: linuxCPU.optional(),
    pids: linuxPids.optional(),
    blockIO: linuxBlockIO.optional(),
    hugepageLimits: z.array(linuxHugepageLimit).optional(),
    network: linuxNetwork.optional(),
    rdma: z.record(z.string(), linuxRdma).optional(),
    unified: stringMap.optional(),
  })
  .meta({ id: "LinuxResources" });
