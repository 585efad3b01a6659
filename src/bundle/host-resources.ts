import type { HostCapabilities } from "../host/host-capabilities.ts";
import type { LinuxResources } from "./config.ts";
import { type ConfigFault, fault, warning } from "./config-fault.ts";

/** Limits for which the host has no controller, or whose cgroup version does not know them. */
export function checkResourcesOnHost(
  resources: LinuxResources,
  host: HostCapabilities,
  at: string,
  into: ConfigFault[],
): void {
  const v2 = host.cgroupMode === "v2";
  for (const [field, controller] of needed(resources, v2)) {
    if (host.controllers.includes(controller)) continue;
    const message = `cannot set ${field} limit: this host has no ${controller} cgroup controller`;
    fault(into, `${at}/${field}`, message);
  }
  if (v2) checkV2(resources, at, into);
  else if (resources.unified !== undefined) {
    fault(into, `${at}/unified`, "invalid configuration: cannot use unified on cgroup v1");
  }
}

/** The members that ask for something, with the controller that does it. */
function needed(
  { memory, cpu, pids, blockIO, hugepageLimits, network, rdma }: LinuxResources,
  v2: boolean,
): [string, string][] {
  const pairs: [string, string][] = [];
  const asks = (part: object | undefined) => part !== undefined && Object.keys(part).length > 0;
  if (asks(memory)) pairs.push(["memory", "memory"]);
  if (cpu?.cpus || cpu?.mems) pairs.push(["cpu", "cpuset"]);
  if (hasCpuTime(cpu)) pairs.push(["cpu", "cpu"]);
  if (asks(pids)) pairs.push(["pids", "pids"]);
  if (asks(blockIO)) pairs.push(["blockIO", v2 ? "io" : "blkio"]);
  if (asks(hugepageLimits)) pairs.push(["hugepageLimits", "hugetlb"]);
  if (asks(rdma)) pairs.push(["rdma", "rdma"]);
  if (!v2 && network?.classID !== undefined) pairs.push(["network", "net_cls"]);
  if (!v2 && network?.priorities?.length) pairs.push(["network", "net_prio"]);
  return pairs;
}

function hasCpuTime(cpu: LinuxResources["cpu"]): boolean {
  return Object.keys(cpu ?? {}).some((name) => name !== "cpus" && name !== "mems");
}

/** Documentation/admin-guide/cgroup-v2.rst has none of these. */
function checkV2({ memory, cpu, network, blockIO }: LinuxResources, at: string, into: ConfigFault[]): void {
  const ignored: [string, unknown][] = [
    ["memory/swappiness", memory?.swappiness],
    ["memory/disableOOMKiller", memory?.disableOOMKiller],
    ["cpu/realtimeRuntime", cpu?.realtimeRuntime],
    ["cpu/realtimePeriod", cpu?.realtimePeriod],
    ["blockIO/leafWeight", blockIO?.leafWeight],
    ["network", network],
  ];
  for (const [field, value] of ignored) {
    if (value !== undefined) warning(into, `${at}/${field}`, "cgroup v2 does not have this: ignored");
  }
  if (memory?.swap !== undefined && memory.swap > 0 && memory.limit === undefined) {
    fault(into, `${at}/memory/swap`, "unable to set swap limit without memory limit", memory.swap);
  }
}
