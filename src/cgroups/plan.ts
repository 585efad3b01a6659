import type { LinuxDevice, LinuxResources } from "../bundle/config.ts";
import type { CgroupLayout } from "../host/cgroup-layout.ts";
import { type DeviceList, deviceList } from "./device-rules.ts";
import { cgroupPaths, hierarchyOf, looksLikeSystemd } from "./paths.ts";
import type { ResourceWrite } from "./resource-write.ts";
import { resourceWritesV1 } from "./resource-writes-v1.ts";
import { resourceWritesV2 } from "./resource-writes-v2.ts";
import type { Property } from "./systemd/resource-properties.ts";
import type { UnitName } from "./systemd/unit.ts";

export interface CgroupRequest {
  /** `linux.cgroupsPath` */
  readonly cgroupsPath: string | undefined;
  /** The container's id, checked: it names the cgroup when there is no path. */
  readonly id: string;
  /** `linux.resources` */
  readonly resources: LinuxResources | undefined;
  /** `linux.devices` */
  readonly devices: readonly LinuxDevice[] | undefined;
  readonly layout: CgroupLayout;
  /** Tolerate missing permissions, as runc's `--rootless` does. */
  readonly rootless: boolean;
  /** Who may make cgroups below the container's: a host uid. On v2 only. */
  readonly owner?: number | undefined;
}

/** All that is to be done to make a container's cgroup, before anything is touched. */
export interface CgroupPlan {
  readonly driver: "cgroupfs" | "systemd";
  readonly mode: CgroupLayout["mode"];
  /** As the user wrote it, for faults. */
  readonly cgroupsPath: string | undefined;
  /** The directory in each hierarchy, in the order of making. */
  readonly paths: Readonly<Record<string, string>>;
  /** Where cgroup2 is mounted: controllers are enabled from there down. "" on v1. */
  readonly unifiedMountPoint: string;
  readonly writes: readonly ResourceWrite[];
  readonly devices: DeviceList;
  readonly rootless: boolean;
  /** The host uid that the cgroup is given to. */
  readonly owner: number | undefined;
  /** For the log. */
  readonly warnings: readonly string[];
  /** With systemd: the unit whose cgroup it is. */
  readonly unit?: PlannedUnit;
}

/** A unit of systemd's to be made for a container. */
export interface PlannedUnit extends UnitName {
  /** Of the user's service manager, not the machine's. */
  readonly user: boolean;
  /** Beside those that the limits come to. */
  readonly properties: readonly Property[];
}

/**
 * What a container's cgroup will be.
 *
 * @throws RuntimeFault for a path that can't be a container's, and limits that can't be expressed.
 */
export function planCgroup(request: CgroupRequest): CgroupPlan {
  const { cgroupsPath, id, resources, devices, layout, rootless, owner } = request;
  return {
    driver: "cgroupfs",
    mode: layout.mode,
    cgroupsPath,
    paths: cgroupPaths(cgroupsPath, id, layout),
    unifiedMountPoint: hierarchyOf(layout, "")?.mountPoint ?? "",
    writes: resources === undefined ? [] : resourceWrites(resources, layout.mode),
    devices: deviceList(resources?.devices, devices),
    rootless,
    owner,
    warnings: warningsOf(cgroupsPath, resources),
  };
}

/** `linux.resources` as writes to the files of this machine's version of cgroups, but for the devices. */
export function resourceWrites(resources: LinuxResources, mode: CgroupLayout["mode"]): ResourceWrite[] {
  if (mode === "v2") {
    return resourceWritesV2(resources);
  }
  return resourceWritesV1(resources);
}

/** Settings that the kernel has no more. */
export function kernelMemoryWarnings(resources: LinuxResources | undefined): string[] {
  const { kernel, kernelTCP } = resources?.memory ?? {};
  if (kernel === undefined && kernelTCP === undefined) return [];
  return ["Kernel memory settings are ignored and will be removed"];
}

function warningsOf(cgroupsPath: string | undefined, resources: LinuxResources | undefined): string[] {
  const warnings = kernelMemoryWarnings(resources);
  if (cgroupsPath && looksLikeSystemd(cgroupsPath)) {
    warnings.push(
      `cgroupsPath "${cgroupsPath}" looks like one for systemd, but --systemd-cgroup is not given: it names a directory`,
    );
  }
  return warnings;
}
