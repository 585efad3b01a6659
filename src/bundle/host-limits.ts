/** What a valid document asks for that one host can't do. Pure: the host is given as data. Not on the hot path. */
import type { HostCapabilities } from "../host/host-capabilities.ts";
import type { Config } from "./config.ts";
import { type ConfigFault, fault, warning } from "./config-fault.ts";
import { checkResourcesOnHost } from "./host-resources.ts";
import { capabilityNumber, setNames } from "./rules/capabilities.ts";
import { namespaceOf } from "./rules/namespaces.ts";

/** The oldest kernel that the runtime's own system calls (mount_setattr, pidfd_open, close_range ...) are all in. */
const oldestKernel = [5, 14] as const;

/**
 * Adds a fault for what would keep the container from being created on `host`, a warning for what would be ignored.
 *
 * @param systemdCgroup whether systemd is to make the cgroup.
 */
export function checkAgainstHost(
  config: Config,
  host: HostCapabilities,
  systemdCgroup: boolean,
  into: ConfigFault[],
): void {
  if (!atLeast(host, ...oldestKernel)) {
    fault(into, "", `kernel ${host.kernel.release} is older than ${oldestKernel.join(".")}`);
  }
  checkSecurityModules(config, host, into);
  checkNamespacesOnHost(config, host, into);
  checkPrivilege(config, host, into);
  checkCapabilitiesOnHost(config, host, into);
  checkSeccompOnHost(config, host, into);
  checkKernelFeatures(config, host, into);
  checkFileSystems(config, host, into);
  const { resources, cgroupsPath } = config.linux ?? {};
  if (resources !== undefined) checkResourcesOnHost(resources, host, "/linux/resources", into);
  if (!systemdCgroup && cgroupsPath?.split(":").length === 3) {
    warning(
      into,
      "/linux/cgroupsPath",
      "slice:prefix:name is a plain directory name without --systemd-cgroup",
      cgroupsPath,
    );
  }
}

const atLeast = ({ kernel }: HostCapabilities, major: number, minor: number) =>
  kernel.major > major || (kernel.major === major && kernel.minor >= minor);

function checkSecurityModules(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  const { apparmorProfile, selinuxLabel } = config.process;
  const selinux = host.securityModules.includes("selinux");
  if (apparmorProfile && !host.securityModules.includes("apparmor")) {
    const message = "apparmor profile is specified in config, but apparmor is disabled or not supported";
    fault(into, "/process/apparmorProfile", message, apparmorProfile);
  }
  if (selinuxLabel && !selinux) {
    const message = "selinux label is specified in config, but selinux is disabled or not supported";
    fault(into, "/process/selinuxLabel", message, selinuxLabel);
  }
  const label = config.linux?.mountLabel;
  if (label && !selinux) {
    // As create takes it: without SELinux there is nothing that a label could protect.
    warning(
      into,
      "/linux/mountLabel",
      "mount label is specified in config, but selinux is disabled or not supported",
      label,
    );
  }
}

/** Names of /proc/self/ns that differ from the specification's. */
const namespaceFiles: Readonly<Record<string, string>> = { mount: "mnt", network: "net" };

function checkNamespacesOnHost(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  const list = config.linux?.namespaces ?? [];
  for (let i = 0; i < list.length; i++) {
    const { type, path } = list[i]!;
    const forbidden = type === "user" && !path && host.mostUserNamespaces === 0;
    if (host.namespaces.includes(namespaceFiles[type] ?? type) && !forbidden) continue;
    fault(into, `/linux/namespaces/${i}`, `${type} namespaces aren't enabled in the kernel`);
  }
}

function checkPrivilege(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  if (host.euid === 0) return;
  if (namespaceOf(config, "user") === undefined) {
    fault(into, "/linux/namespaces", "rootless container requires user namespaces");
  }
  if (config.process.user?.additionalGids?.length) {
    const message = "cannot set any additional groups in a rootless container";
    fault(into, "/process/user/additionalGids", message, config.process.user.additionalGids);
  }
  if (Object.keys(config.linux?.netDevices ?? {}).length > 0) {
    fault(into, "/linux/netDevices", "network devices are not supported for rootless containers");
  }
}

function checkCapabilitiesOnHost(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  for (const set of setNames) {
    const missing =
      config.process.capabilities?.[set]?.filter((name) => capabilityNumber(name) > host.lastCapability) ?? [];
    if (missing.length === 0) continue;
    const message = `ignoring unknown or unavailable capabilities: [${missing.join(" ")}]`;
    warning(into, `/process/capabilities/${set}`, message);
  }
}

/** SCMP_ACT_* by the kernel's names, seccomp(2) "actions_avail". */
const seccompActions: Readonly<Record<string, string>> = {
  SCMP_ACT_KILL: "kill_thread",
  SCMP_ACT_KILL_THREAD: "kill_thread",
  SCMP_ACT_KILL_PROCESS: "kill_process",
  SCMP_ACT_TRAP: "trap",
  SCMP_ACT_ERRNO: "errno",
  SCMP_ACT_TRACE: "trace",
  SCMP_ACT_ALLOW: "allow",
  SCMP_ACT_LOG: "log",
  SCMP_ACT_NOTIFY: "user_notif",
};

function checkSeccompOnHost(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  const seccomp = config.linux?.seccomp;
  if (seccomp === undefined) return;
  const at = "/linux/seccomp";
  const ask = (action: string, pointer: string) => {
    if (host.seccompActions.includes(seccompActions[action]!)) return;
    fault(into, pointer, "this kernel's seccomp does not have the action", action);
  };
  ask(seccomp.defaultAction, `${at}/defaultAction`);
  seccomp.syscalls?.forEach(({ action }, i) => {
    ask(action, `${at}/syscalls/${i}/action`);
  });
  if (seccomp.flags?.includes("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") && !atLeast(host, 5, 19)) {
    fault(into, `${at}/flags`, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs kernel 5.19", host.kernel.release);
  }
}

function checkKernelFeatures(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  const mode = config.linux?.memoryPolicy?.mode;
  const since = mode === "MPOL_WEIGHTED_INTERLEAVE" ? [6, 9] : mode === "MPOL_PREFERRED_MANY" ? [5, 15] : undefined;
  if (since !== undefined && !atLeast(host, since[0]!, since[1]!)) {
    fault(into, "/linux/memoryPolicy/mode", `${mode} needs kernel ${since.join(".")}`, host.kernel.release);
  }
  if (config.linux?.intelRdt !== undefined && !host.fileSystems.includes("resctrl")) {
    fault(into, "/linux/intelRdt", "intelRdt is specified in config, but Intel RDT is not enabled");
  }
}

/** Only a warning: mount(2) loads a module for a file system that it does not know. */
function checkFileSystems(config: Config, host: HostCapabilities, into: ConfigFault[]): void {
  const mounts = config.mounts ?? [];
  for (let i = 0; i < mounts.length; i++) {
    const { type, options = [] } = mounts[i]!;
    // A mount of type cgroup is made of whatever cgroup file systems there are.
    if (!type || type === "cgroup" || options.includes("bind") || options.includes("rbind")) continue;
    if (options.includes("remount") || host.fileSystems.includes(type)) continue;
    warning(into, `/mounts/${i}/type`, "file system is not known to the kernel unless a module provides it", type);
  }
}
