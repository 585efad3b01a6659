import { z } from "zod";
import { int64, uint16, uint32, uint64 } from "./integers.ts";

export const linuxDeviceCgroup = z.object({
  allow: z.boolean(),
  type: z.enum(["", "a", "b", "c"]).optional(),
  major: int64.optional(),
  minor: int64.optional(),
  access: z.string().optional(),
});

export const linuxMemory = z.object({
  limit: int64.optional(),
  reservation: int64.optional(),
  swap: int64.optional(),
  kernel: int64.optional(),
  kernelTCP: int64.optional(),
  swappiness: uint64.optional(),
  disableOOMKiller: z.boolean().optional(),
  useHierarchy: z.boolean().optional(),
  checkBeforeUpdate: z.boolean().optional(),
});

export const linuxCPU = z.object({
  shares: uint64.optional(),
  quota: int64.optional(),
  burst: uint64.optional(),
  period: uint64.optional(),
  realtimeRuntime: int64.optional(),
  realtimePeriod: uint64.optional(),
  cpus: z.string().optional(),
  mems: z.string().optional(),
  idle: int64.optional(),
});

export const linuxPids = z.object({ limit: int64.optional() });

export const linuxWeightDevice = z.object({
  major: int64,
  minor: int64,
  weight: uint16.optional(),
  leafWeight: uint16.optional(),
});

export const linuxThrottleDevice = z.object({ major: int64, minor: int64, rate: uint64 });

export const linuxBlockIO = z.object({
  weight: uint16.optional(),
  leafWeight: uint16.optional(),
  weightDevice: z.array(linuxWeightDevice).optional(),
  throttleReadBpsDevice: z.array(linuxThrottleDevice).optional(),
  throttleWriteBpsDevice: z.array(linuxThrottleDevice).optional(),
  throttleReadIOPSDevice: z.array(linuxThrottleDevice).optional(),
  throttleWriteIOPSDevice: z.array(linuxThrottleDevice).optional(),
});

export const linuxHugepageLimit = z.object({ pageSize: z.string(), limit: uint64 });

export const linuxInterfacePriority = z.object({ name: z.string(), priority: uint32 });

export const linuxNetwork = z.object({
  classID: uint32.optional(),
  priorities: z.array(linuxInterfacePriority).optional(),
});

export const linuxRdma = z.object({ hcaHandles: uint32.optional(), hcaObjects: uint32.optional() });

/** config-linux.md "Control groups". */
export const linuxResources = z.object({
  devices: z.array(linuxDeviceCgroup).optional(),
  memory: linuxMemory.optional(),
  cpu: linuxCPU.optional(),
  pids: linuxPids.optional(),
  blockIO: linuxBlockIO.optional(),
  hugepageLimits: z.array(linuxHugepageLimit).optional(),
  network: linuxNetwork.optional(),
  rdma: z.record(z.string(), linuxRdma).optional(),
  unified: z.record(z.string(), z.string()).optional(),
});
