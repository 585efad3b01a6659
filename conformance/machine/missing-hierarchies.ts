import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { cgroupsBelow } from "./cgroup-hierarchies.ts";

/** Those of the controllers that the kernel has for cgroup v1, and that no hierarchy is mounted for. None on a pure v2 machine. */
function missingHierarchies(controllers: readonly string[]): string[] {
  const root = "/sys/fs/cgroup";
  if (existsSync(join(root, "cgroup.controllers"))) return [];
  return controllers.filter(
    (controller) => row(controller)?.enabled === "1" && !existsSync(join(root, controller, "cgroup.procs")),
  );
}

/** What {@link mountMissing} has done. */
export interface Mounted {
  /** Those that are mounted now. The kernel refuses one whose controller is at work in cgroup2. */
  readonly controllers: readonly string[];
  /** Unmounts them. @throws when cgroups are left in them. */
  undo(): Promise<void>;
}

/**
 * Mounts the hierarchies of `controllers` that are mounted nowhere for a while, each at its name in a directory. What of them the cgroup2 mount
 * had moves there, for the whole machine.
 */
export function mountMissing(controllers: readonly string[], directory = "/sys/fs/cgroup"): Mounted {
  const mounted: string[] = [];
  const made: string[] = [];
  for (const controller of missingHierarchies(controllers)) {
    const point = join(directory, controller);
    const isNew = !existsSync(point);
    if (isNew) mkdirSync(point);
    if (Bun.spawnSync(["mount", "-t", "cgroup", "-o", controller, "cgroup", point]).success) mounted.push(controller);
    if (!isNew) continue;
    if (mounted.includes(controller)) made.push(point);
    else rmdirSync(point);
  }
  const undo = async () => {
    const left: string[] = [];
    for (const controller of mounted) {
      const point = join(directory, controller);
      left.push(...cgroupsBelow(point));
      // A hierarchy that is unmounted while removed cgroups are on their way out stays as it is, mounted nowhere, and containerd
      // wants to see all that there are.
      for (let waits = 0; row(controller)?.cgroups !== "1" && waits < 500; waits++) await Bun.sleep(10);
      Bun.spawnSync(["umount", point]);
    }
    for (const point of made) rmdirSync(point);
    if (left.length > 0) throw new Error(`cgroups are left in hierarchies that were unmounted: ${left.join(", ")}`);
  };
  return { controllers: mounted, undo };
}

/** crun refuses a hybrid layout whose cgroup2 mount has controllers: where hugetlb is what is left there, it is mounted, and that is said. */
export function letCrunRun(): () => Promise<void> {
  const unified = "/sys/fs/cgroup/unified/cgroup.controllers";
  if (!existsSync(unified) || !readFileSync(unified, "utf8").split(/\s/).includes("hugetlb")) return async () => {};
  console.error(`crun refuses a hybrid cgroup layout with controllers in ${unified}: hugetlb is mounted meanwhile`);
  return mountMissing(["hugetlb"]).undo;
}

/** A controller's line in /proc/cgroups. */
function row(controller: string): { cgroups: string; enabled: string } | undefined {
  for (const line of readFileSync("/proc/cgroups", "utf8").split("\n")) {
    const [name, , cgroups, enabled] = line.split("\t");
    if (name === controller) return { cgroups: cgroups!, enabled: enabled! };
  }
  return undefined;
}
