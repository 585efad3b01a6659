import { EACCES, EEXIST, EPERM, EROFS } from "../../native-bindings/errno.ts";
import { RuntimeFault } from "../report/fault.ts";
import { applyWrites } from "./apply-writes.ts";
import { enableControllers } from "./enable-controllers.ts";
import { fillCpuset } from "./fill-cpuset.ts";
import { isFrozen } from "./freezer.ts";
import { tryMakeCgroup, unmakeCgroups } from "./make-directory.ts";
import type { CgroupPlan } from "./plan.ts";
import { countProcesses } from "./processes.ts";
import { type CgroupRecord, isOptional } from "./record.ts";
import { setDevices } from "./set-devices.ts";

/**
 * The part of a container's cgroup that a process can be born in: the directory of cgroup2, if there is one. On hybrid hosts
 * only that; the rest can be made while the process comes into being.
 *
 * @returns where it is, for {@link prepareCgroup} to go on with.
 * @throws RuntimeFault
 */
export function makeBirthplace(plan: CgroupPlan): CgroupRecord {
  if (plan.unit !== undefined) {
    // systemd makes it, for a process that is there already.
    const { name, user } = plan.unit;
    return { driver: plan.driver, mode: plan.mode, paths: {}, made: [], unit: { name, user } };
  }
  const record: CgroupRecord = { driver: plan.driver, mode: plan.mode, paths: {}, made: [] };
  if (plan.mode === "v2") return prepareCgroup(plan, record);
  const unified = plan.paths[""];
  if (unified !== undefined && tryMakeCgroup(unified, record.made) === 0) record.paths[""] = unified;
  return record;
}

/**
 * Makes a container's cgroup and puts every limit into force before any process is in it, so that none ever runs without.
 *
 * @param record from {@link makeBirthplace}; after a failure it has what was made here only.
 * @returns where it is. On failure nothing that was made is left.
 * @throws RuntimeFault also when the cgroup is there already and has processes or is frozen.
 */
export function prepareCgroup(
  plan: CgroupPlan,
  record: CgroupRecord = { driver: plan.driver, mode: plan.mode, paths: {}, made: [] },
): CgroupRecord {
  try {
    const isNew = plan.mode === "v2" ? makeUnified(plan, record) : makeHierarchies(plan, record);
    if (!isNew) refuseProcesses(record);
    if (!isNew && plan.mode === "v2") refuseFrozen(record);
    setDevices(record, plan.devices, isNew, plan.rootless);
    applyWrites(record.paths, plan.writes);
    if (plan.owner !== undefined && record.paths[""] !== undefined) handOver()(record.paths[""], plan.owner);
    return record;
  } catch (error) {
    unmakeCgroups(record.made);
    forgetOthers(record);
    throw error;
  }
}

function handOver() {
  return (require("./hand-over.ts") as typeof import("./hand-over.ts")).handCgroupOver;
}

/** What was there before may be another container's: undoing this one must not kill or remove anything in it. */
function forgetOthers(record: CgroupRecord): void {
  for (const key of Object.keys(record.paths)) {
    if (!record.made.includes(record.paths[key]!)) delete record.paths[key];
  }
}

/** @returns true when the cgroup is new where its processes are counted. */
function makeHierarchies(plan: CgroupPlan, record: CgroupRecord): boolean {
  let isNew = true;
  const results = new Map<string, number>();
  for (const key of Object.keys(plan.paths)) {
    const directory = plan.paths[key]!;
    // Co-mounted controllers share the directory.
    let result = results.get(directory);
    if (result === undefined) {
      result = tryMakeCgroup(directory, record.made);
      results.set(directory, result);
    }
    if (result < 0 && result !== -EEXIST) {
      if (isOptional(key) || (plan.rootless && !plan.cgroupsPath && isPermission(-result))) continue;
      refusedDirectory(plan, directory, -result);
    }
    record.paths[key] = directory;
    if (key === "devices" && result === -EEXIST) isNew = false;
    // It may be there alone, and a process that moves itself in would never be heard of again.
    if (key === "freezer" && result === -EEXIST) refuseFrozen(record);
    if (key === "cpuset") {
      fillCpuset(directory, result === 0, plan.writes);
    }
  }
  return isNew;
}

function makeUnified(plan: CgroupPlan, record: CgroupRecord): boolean {
  const directory = plan.paths[""]!;
  const result = tryMakeCgroup(directory, record.made);
  if (result < 0 && result !== -EEXIST) {
    if (!plan.rootless || plan.cgroupsPath) refusedDirectory(plan, directory, -result);
    // No permission and nothing asked for: the container stays in the cgroup of its caller.
    if (plan.writes.length === 0) return true;
    throw new RuntimeFault({
      what: "rootless needs no limits + no cgrouppath when no permission is granted for cgroups",
      where: plan.writes[0]!.pointer,
      errno: -result,
      call: `mkdir(${JSON.stringify(directory)}, 0755)`,
    });
  }
  record.paths[""] = directory;
  enableControllers(plan.unifiedMountPoint, directory, plan.writes);
  return result === 0;
}

function isPermission(errno: number): boolean {
  return errno === EPERM || errno === EACCES || errno === EROFS;
}

function refusedDirectory(plan: CgroupPlan, directory: string, errno: number): never {
  throw new RuntimeFault({
    what: "unable to apply cgroup configuration: cannot make the cgroup",
    where: "/linux/cgroupsPath",
    value: plan.cgroupsPath,
    errno,
    call: `mkdir(${JSON.stringify(directory)}, 0755)`,
  });
}

/** Another container's cgroup, or leftovers: its processes would be killed with this container. */
function refuseProcesses(record: CgroupRecord): void {
  const count = countProcesses(record);
  if (count === 0) return;
  throw new RuntimeFault({
    what: `container's cgroup is not empty: ${count} process(es) found`,
    where: "/linux/cgroupsPath",
    value: record.paths[record.mode === "v2" ? "" : "devices"],
  });
}

function refuseFrozen(record: CgroupRecord): void {
  if (!isFrozen(record)) return;
  throw new RuntimeFault({
    what: "container's cgroup unexpectedly frozen",
    where: "/linux/cgroupsPath",
    value: record.paths[record.mode === "v2" ? "" : "freezer"],
  });
}
