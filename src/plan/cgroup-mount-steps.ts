import type { Mount } from "../bundle/config.ts";
import { mountLabel } from "./mount-label.ts";
import { type FilesystemOption, type MountOptions, mountAttributes } from "./mount-options.ts";
import type { MountsInput } from "./mount-steps.ts";
import type { Step } from "./step.ts";
import type { HierarchyMount, MountCgroup2, MountCgroupsV1 } from "./steps/mount-cgroups.ts";
import type { MountPoint } from "./steps/mount-point.ts";

/** A mount of type "cgroup": what the host has, v1 or v2. config-linux.md "Cgroup mount". */
export function planCgroupMount(
  input: MountsInput,
  mount: Mount,
  options: MountOptions,
  point: MountPoint,
  from: string,
  tidy: boolean,
): Step {
  const { cgroups } = input.facts;
  const common = {
    from,
    source: mount.source ?? "cgroup",
    type: "cgroup",
    destination: mount.destination,
    point,
    attributes: mountAttributes(options.flags),
    propagation: options.propagation,
    tidy,
  };
  if (cgroups.unified) {
    const fallback = input.cgroupNamespace ? cgroups.own : cgroups.root;
    const step: MountCgroup2 = { kind: "mount-cgroup2", ...common, data: options.data, fallback };
    return step;
  }
  const hierarchies: HierarchyMount[] = [];
  for (const { name, controllers, directory } of cgroups.hierarchies) {
    hierarchies.push({
      name,
      directory: input.cgroupNamespace ? undefined : directory,
      source: name,
      data: input.cgroupNamespace ? hierarchyData(controllers) : [],
      links: name.includes(",") ? name.split(",") : [],
    });
  }
  const step: MountCgroupsV1 = { kind: "mount-cgroups-v1", ...common, hierarchies, label: mountLabel(input) };
  return step;
}

/** A named hierarchy is asked for by its name, the others by their controllers. */
function hierarchyData(controllers: readonly string[]): FilesystemOption[] {
  const data: FilesystemOption[] = [];
  for (const controller of controllers) {
    if (controller.startsWith("name=")) data.push({ key: "name", value: controller.slice(5) });
    else data.push({ key: controller, value: undefined });
  }
  return data;
}
