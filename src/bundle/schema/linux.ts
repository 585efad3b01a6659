import { z } from "zod";
import { int64, uint32 } from "./integers.ts";
import { linuxResources } from "./resources.ts";
import { linuxSeccomp } from "./seccomp.ts";
import { stringMap, strings } from "./strings.ts";

export const linuxNamespaceType = z.enum(["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]);

export const linuxNamespace = z
  .object({ type: linuxNamespaceType, path: z.string().optional() })
  .meta({ id: "LinuxNamespace" });

export const linuxIDMapping = z
  .object({ containerID: uint32, hostID: uint32, size: uint32 })
  .meta({ id: "LinuxIDMapping" });

export const linuxTimeOffset = z
  .object({ secs: int64.optional(), nanosecs: uint32.optional() })
  .meta({ id: "LinuxTimeOffset" });

export const linuxDevice = z
  .object({
    path: z.string(),
    type: z.enum(["c", "b", "u", "p"]),
    major: int64.optional(),
    minor: int64.optional(),
    fileMode: uint32.optional(),
    uid: uint32.optional(),
    gid: uint32.optional(),
  })
  .meta({ id: "LinuxDevice" });

export const linuxNetDevice = z.object({ name: z.string().optional() }).meta({ id: "LinuxNetDevice" });

/** `enableCMT` and `enableMBM` are of versions 1.1.0 to 1.2.1; `enableMonitoring` took their place. */
export const linuxIntelRdt = z
  .object({
    closID: z.string().optional(),
    schemata: strings.optional(),
    l3CacheSchema: z.string().optional(),
    memBwSchema: z.string().optional(),
    enableMonitoring: z.boolean().optional(),
    enableCMT: z.boolean().optional(),
    enableMBM: z.boolean().optional(),
  })
  .meta({ id: "LinuxIntelRdt" });

export const linuxMemoryPolicy = z
  .object({
    mode: z.enum([
      "MPOL_DEFAULT",
      "MPOL_BIND",
      "MPOL_INTERLEAVE",
      "MPOL_WEIGHTED_INTERLEAVE",
      "MPOL_PREFERRED",
      "MPOL_PREFERRED_MANY",
      "MPOL_LOCAL",
    ]),
    nodes: z.string().optional(),
    flags: z.array(z.enum(["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"])).optional(),
  })
  .meta({ id: "LinuxMemoryPolicy" });

export const linuxPersonality = z
  .object({
    domain: z.enum(["LINUX", "LINUX32"]),
    flags: strings.optional(),
  })
  .meta({ id: "LinuxPersonality" });

/** The recursive forms are runc's. The empty string is the same as absent, as everywhere in the document. */
export const rootfsPropagation = z.enum([
  "",
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
  "unbindable",
  "runbindable",
]);

/** config-linux.md. */
export const linux = z
  .object({
    uidMappings: z.array(linuxIDMapping).optional(),
    gidMappings: z.array(linuxIDMapping).optional(),
    sysctl: stringMap.optional(),
    resources: linuxResources.optional(),
    cgroupsPath: z.string().optional(),
    namespaces: z.array(linuxNamespace).optional(),
    devices: z.array(linuxDevice).optional(),
    netDevices: z.record(z.string(), linuxNetDevice).optional(),
    seccomp: linuxSeccomp.optional(),
    rootfsPropagation: rootfsPropagation.optional(),
    maskedPaths: strings.optional(),
    readonlyPaths: strings.optional(),
    mountLabel: z.string().optional(),
    intelRdt: linuxIntelRdt.optional(),
    memoryPolicy: linuxMemoryPolicy.optional(),
    personality: linuxPersonality.optional(),
    timeOffsets: z.object({ boottime: linuxTimeOffset.optional(), monotonic: linuxTimeOffset.optional() }).optional(),
  })
  .meta({ id: "Linux" });
