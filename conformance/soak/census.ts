import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupMounts, cgroupsBelow, countCgroups } from "../machine/cgroup-hierarchies.ts";

/** How many there are: what → number. */
export type Census = ReadonlyMap<string, number>;

/** The places that belong to one run alone. */
export interface Grounds {
  /** State, bundle and temporary directory are below it. */
  readonly scratch: string;
  /** The cgroup below which all containers are, in each hierarchy. */
  readonly cgroup: string;
  /** A word in the environment of each command and each container. */
  readonly mark: string;
}

/** Counts what is the run's own. Nobody else changes it: after the run it has to be what it was. */
export function ownCensus(grounds: Grounds): Census {
  const { scratch, cgroup, mark } = grounds;
  const cgroups = cgroupMounts().flatMap((mount) => cgroupsBelow(join(mount, cgroup)));
  return new Map([
    ["cgroups", cgroups.length],
    ["mounts", mounts().filter((line) => line.includes(scratch)).length],
    ["processes", markedProcesses(mark)],
    ["state entries", countEntries(join(scratch, "state"))],
    ["temporary files", countEntries(join(scratch, "tmp"))],
    ["open files of the harness", countEntries("/proc/self/fd")],
  ]);
}

/** Counts what the whole machine has. Others change it too: only growth with the number of containers tells something. */
export function machineCensus(): Census {
  return new Map([
    ["cgroups of the machine", countCgroups()],
    ["mounts of the machine", mounts().length],
    ["processes of the machine", readdirSync("/proc").filter((name) => /^\d+$/.test(name) && !isZombie(name)).length],
    // Allocated file handles, proc_sys_fs(5).
    ["open files of the machine", Number(readFileSync("/proc/sys/fs/file-nr", "utf8").split("\t")[0])],
  ]);
}

/**
 * The names whose count differs: for the run's own any difference, for the machine's a growth by more than `slack`.
 */
export function differences(before: Census, after: Census, slack = 0): string[] {
  return [...before.keys()].filter((name) => {
    const growth = after.get(name)! - before.get(name)!;
    return slack === 0 ? growth !== 0 : growth > slack;
  });
}

/** True for a process that has ended and waits to be reaped, or is gone. */
export function isZombie(pid: number | string): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat === "" || /\) [ZX] [^)]*$/.test(stat);
}

function mounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8").split("\n");
}

function markedProcesses(mark: string): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => readIfThere(`/proc/${pid}/environ`).includes(mark)).length;
}

function countEntries(directory: string): number {
  return existsSync(directory) ? readdirSync(directory).length : 0;
}

/** "" when the process ended meanwhile, or may do what this one may not: then it is nothing that this one started. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
