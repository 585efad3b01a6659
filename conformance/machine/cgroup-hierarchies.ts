import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Mount points of all cgroup hierarchies, version 1 and 2, in the order of /proc/self/mounts. */
export function cgroupMounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup" || fields[2] === "cgroup2")
    .map((fields) => fields[1]!);
}

/** Makes the cgroup `name` at the root of every hierarchy, ready to hold processes. */
export function makeCgroups(name: string): string[] {
  return cgroupMounts().map((mount) => {
    const directory = join(mount, name);
    mkdirSync(directory);
    // A new version 1 cpuset is empty, and an empty one takes no process (cpuset(7)).
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (existsSync(join(mount, file))) writeFileSync(join(directory, file), readFileSync(join(mount, file)));
    }
    return directory;
  });
}

/** Kills what is left in the cgroups `name` and below, in every hierarchy, and removes them. */
export async function removeCgroups(name: string): Promise<void> {
  for (const mount of cgroupMounts()) {
    const top = join(mount, name);
    if (!existsSync(top)) continue;
    for (const directory of [...cgroupsBelow(top), top]) await removeOne(directory);
  }
}

/** The number of cgroups in all hierarchies. */
export function countCgroups(): number {
  return cgroupMounts().reduce((sum, mount) => sum + cgroupsBelow(mount).length, 0);
}

/** Deepest first, without `top` itself. A cgroup that goes away meanwhile is left out. */
export function cgroupsBelow(top: string): string[] {
  const found: string[] = [];
  let entries: string[];
  try {
    entries = readdirSync(top, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(top, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return found;
    throw error;
  }
  for (const directory of entries) found.push(...cgroupsBelow(directory), directory);
  return found;
}

async function removeOne(directory: string): Promise<void> {
  const frozen = join(directory, "freezer.state");
  if (existsSync(frozen)) writeFileSync(frozen, "THAWED");
  for (let attempt = 0; attempt < 50; attempt++) {
    for (const pid of readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n")) {
      if (pid !== "" && pid !== "0") killIfThere(Number(pid));
    }
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      // EBUSY until the killed processes are reaped.
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      await Bun.sleep(100);
    }
  }
  throw new Error(`cannot remove the cgroup ${directory}: it stays busy`);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
