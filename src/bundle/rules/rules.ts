import type { Config } from "../config.ts";
import { type ConfigFault, warning } from "../config-fault.ts";
import { checkAnnotations } from "./annotations.ts";
import { checkCgroupsPath } from "./cgroups-path.ts";
import { checkDevices } from "./devices.ts";
import { checkHooks } from "./hooks.ts";
import { checkIdMappings } from "./id-mappings.ts";
import { checkIntelRdt } from "./intel-rdt.ts";
import { checkMounts } from "./mounts.ts";
import { checkNamespaces } from "./namespaces.ts";
import { checkNetDevices } from "./net-devices.ts";
import { checkPaths } from "./paths.ts";
import { checkResources } from "./resources.ts";
import { checkMemoryPolicy } from "./scheduling.ts";
import { checkSeccomp } from "./seccomp.ts";
import { checkSysctls } from "./sysctl.ts";
import { checkPlatform, checkVersion } from "./version.ts";
import { checkWholeProcess } from "./whole-process.ts";

interface Rule {
  /** The parts of the document that it relies on to have the right types. */
  readonly reads: readonly string[];
  readonly check: (config: Config, into: ConfigFault[]) => void;
}

/** Every rule above the schema, in the order in which runc asks. */
export const rules: readonly Rule[] = [
  { reads: ["/process"], check: (config, into) => checkWholeProcess(config.process, "/process", into) },
  { reads: ["/root", "/linux/maskedPaths", "/linux/readonlyPaths"], check: checkPaths },
  {
    reads: [
      "/linux/namespaces",
      "/hostname",
      "/domainname",
      "/linux/timeOffsets",
      "/linux/maskedPaths",
      "/linux/readonlyPaths",
    ],
    check: checkNamespaces,
  },
  { reads: ["/linux/namespaces", "/linux/uidMappings", "/linux/gidMappings", "/process/user"], check: checkIdMappings },
  { reads: ["/mounts", "/linux/namespaces"], check: checkMounts },
  { reads: ["/linux/sysctl", "/linux/namespaces"], check: checkSysctls },
  { reads: ["/linux/netDevices", "/linux/namespaces"], check: checkNetDevices },
  { reads: ["/linux/cgroupsPath"], check: ({ linux }, into) => checkCgroupsPath(linux?.cgroupsPath, into) },
  {
    reads: ["/linux/resources"],
    check: ({ linux }, into) => linux?.resources && checkResources(linux.resources, "/linux/resources", into),
  },
  {
    reads: ["/linux/devices"],
    check: ({ linux }, into) => linux?.devices && checkDevices(linux.devices, "/linux/devices", into),
  },
  {
    reads: ["/linux/seccomp"],
    check: ({ linux }, into) => linux?.seccomp && checkSeccomp(linux.seccomp, "/linux/seccomp", into),
  },
  { reads: ["/linux/memoryPolicy", "/linux/intelRdt", "/linux/personality"], check: checkRareLinux },
  { reads: ["/hooks"], check: ({ hooks }, into) => hooks && checkHooks(hooks, into) },
  { reads: ["/process", "/solaris", "/windows", "/vm", "/zos", "/freebsd"], check: checkPlatform },
  { reads: ["/annotations", "/process"], check: checkAnnotations },
  { reads: ["/ociVersion"], check: checkVersion },
];

function checkRareLinux({ linux }: Config, into: ConfigFault[]): void {
  if (linux === undefined) return;
  if (linux.memoryPolicy !== undefined) checkMemoryPolicy(linux.memoryPolicy, "/linux/memoryPolicy", into);
  if (linux.intelRdt !== undefined) checkIntelRdt(linux.intelRdt, "/linux/intelRdt", into);
  const flags = linux.personality?.flags;
  if (!flags?.length) return;
  const text = `ignoring unsupported personality flags: [${flags.join(" ")}] because personality flag has not supported at this time`;
  warning(into, "/linux/personality/flags", text);
}
