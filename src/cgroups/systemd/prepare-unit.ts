import { EEXIST } from "../../../native-bindings/errno.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { applyWrites } from "../apply-writes.ts";
import { enableControllers } from "../enable-controllers.ts";
import { fillCpuset } from "../fill-cpuset.ts";
import { handCgroupOver } from "../hand-over.ts";
import { tryMakeCgroup } from "../make-directory.ts";
import type { CgroupPlan } from "../plan.ts";
import { countProcesses } from "../processes.ts";
import { type CgroupRecord, isOptional } from "../record.ts";
import { setDevices } from "../set-devices.ts";
import { deviceProperties } from "./device-properties.ts";
import { type Property, resourceProperties } from "./resource-properties.ts";
import { ServiceManager } from "./service-manager.ts";

/**
 * Has systemd make a container's unit with a process in it, which waits; then makes what systemd does not (on v1, the
 * controllers that it leaves alone), and puts every limit into force.
 *
 * @param record filled in as far as it got, for what must be undone.
 * @throws RuntimeFault also when there is such a cgroup already, with processes.
 */
export function prepareUnit(plan: CgroupPlan, record: CgroupRecord, pid: number): void {
  refuseProcesses(plan);
  const { name, user } = plan.unit!;
  const manager = ServiceManager.connect(user);
  try {
    manager.startTransient(name, unitProperties(plan, pid, manager.version()));
  } finally {
    manager.close();
  }
  makeTheRest(plan, record);
  // systemd passes on those that it knows: neither hugetlb nor rdma.
  if (plan.mode === "v2") enableControllers(plan.unifiedMountPoint, plan.paths[""]!, plan.writes);
  if (plan.owner !== undefined) handCgroupOver(plan.paths[""]!, plan.owner);
  // Programs that systemd attached for the same rules give way to one that has all of them.
  setDevices(record, plan.devices, false, plan.rootless);
  applyWrites(record.paths, plan.writes);
}

function unitProperties(plan: CgroupPlan, pid: number, version: number): Property[] {
  const { name, slice, description, properties } = plan.unit!;
  const isSlice = name.endsWith(".slice");
  const on = (property: string): Property => ({ name: property, signature: "b", value: true });
  return [
    { name: "Description", signature: "s", value: description },
    isSlice ? { name: "Wants", signature: "as", value: [slice] } : { name: "Slice", signature: "s", value: slice },
    ...(isSlice ? [] : [on("Delegate")]),
    { name: "PIDs", signature: "au", value: [pid] },
    on("MemoryAccounting"),
    on("CPUAccounting"),
    on(plan.mode === "v2" ? "IOAccounting" : "BlockIOAccounting"),
    on("TasksAccounting"),
    { name: "DefaultDependencies", signature: "b", value: false },
    ...properties,
    ...deviceProperties(plan.devices),
    ...resourceProperties(plan.writes, version),
  ];
}

/** Before the unit: what is in it afterwards is the container. */
function refuseProcesses(plan: CgroupPlan): void {
  const count = countProcesses({ driver: "systemd", mode: plan.mode, paths: plan.paths, made: [] });
  if (count === 0) return;
  throw new RuntimeFault({
    what: `container's cgroup is not empty: ${count} process(es) found`,
    where: "/linux/cgroupsPath",
    value: plan.paths[plan.mode === "v2" ? "" : "devices"],
  });
}

function makeTheRest(plan: CgroupPlan, record: CgroupRecord): void {
  for (const key in plan.paths) {
    const directory = plan.paths[key]!;
    const result = tryMakeCgroup(directory, record.made);
    if (result < 0 && result !== -EEXIST) {
      if (plan.mode !== "v2" && isOptional(key)) continue;
      throw new RuntimeFault({
        what: "unable to apply cgroup configuration: cannot make the cgroup",
        where: "/linux/cgroupsPath",
        value: plan.cgroupsPath,
        errno: -result,
        call: `mkdir(${JSON.stringify(directory)}, 0755)`,
      });
    }
    record.paths[key] = directory;
    if (key === "cpuset") fillCpuset(directory, result === 0, plan.writes);
  }
}
