import type { LinuxDevice, LinuxResources } from "../../bundle/config.ts";
import type { CgroupLayout } from "../../host/cgroup-layout.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { deviceList } from "../device-rules.ts";
import { pathsInHierarchies } from "../paths.ts";
import { type CgroupPlan, kernelMemoryWarnings, resourceWrites } from "../plan.ts";
import { annotatedProperties } from "./property-text.ts";
import { withRoundedQuota } from "./resource-properties.ts";
import { slicePath, unitName } from "./unit.ts";

export interface UnitRequest {
  /** `linux.cgroupsPath`: "slice:prefix:name". */
  readonly cgroupsPath: string | undefined;
  readonly id: string;
  readonly resources: LinuxResources | undefined;
  readonly devices: readonly LinuxDevice[] | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly layout: CgroupLayout;
  readonly rootless: boolean;
  /** The service manager is the user's, whose units are below `managerGroup`. */
  readonly user: boolean;
  readonly managerGroup: string;
  readonly owner: number | undefined;
}

/**
 * What a container's cgroup will be as a unit of systemd's.
 *
 * @throws RuntimeFault for a path that names no unit, properties that are none, and limits that can't be expressed.
 */
export function planUnit(request: UnitRequest): CgroupPlan {
  const { cgroupsPath, id, resources, devices, annotations, layout, rootless, user, managerGroup, owner } = request;
  if (rootless && layout.mode !== "v2") {
    throw new RuntimeFault({
      what: "cgroup v1 is not delegated to ordinary users by systemd",
      where: "--systemd-cgroup",
      hint: "boot with systemd.unified_cgroup_hierarchy=1, or leave the flag out",
    });
  }
  const unit = unitName(cgroupsPath, id, user);
  const directory = `${managerGroup}${slicePath(unit.slice)}/${unit.name}`;
  const properties = annotatedProperties(annotations);
  return {
    driver: "systemd",
    mode: layout.mode,
    cgroupsPath,
    paths: pathsInHierarchies(layout, () => directory),
    unifiedMountPoint: layout.hierarchies.find(({ key }) => key === "")?.mountPoint ?? "",
    writes: resources === undefined ? [] : withRoundedQuota(resourceWrites(resources, layout.mode)),
    devices: deviceList(resources?.devices, devices),
    rootless,
    warnings: kernelMemoryWarnings(resources),
    owner,
    unit: { ...unit, user, properties },
  };
}
