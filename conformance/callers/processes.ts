import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupMounts, cgroupsBelow } from "../machine/cgroup-hierarchies.ts";

/** Processes of this pid namespace whose executable has this name, by the end of its path. */
export function processesOf(executable: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => (commandLine(pid).split(" ")[0] ?? "").endsWith(executable));
}

/** Its words with spaces between; empty when it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    // A process may end while it is looked at.
    return "";
  }
}

/** Clock ticks that a process has used, proc(5) stat. */
export function cpuTicks(pid: string): string {
  return readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .slice(11, 15)
    .join(" ");
}

/** Seconds of CPU that all processes in a cgroup and below have used; it stands at the root of every hierarchy. */
export function cpuSeconds(cgroup: string): number {
  const version1 = `/sys/fs/cgroup/cpuacct/${cgroup}/cpuacct.usage`;
  if (existsSync(version1)) return Number(readFileSync(version1, "utf8")) / 1e9;
  const version2 = readFileSync(`/sys/fs/cgroup/${cgroup}/cpu.stat`, "utf8");
  return Number(/^usage_usec (\d+)$/m.exec(version2)?.[1]) / 1e6;
}

/** A cgroup's file of a process: on version 1 that of the controller's hierarchy, else that of version 2. */
export function cgroupFile(pid: string, controller: string, version1: string, version2: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  for (const line of lines) {
    const [, controllers = "", path = ""] = line.split(":");
    if (controllers.split(",").includes(controller)) {
      return readFileSync(join("/sys/fs/cgroup", controller, path, version1), "utf8").trim();
    }
  }
  const path = lines.find((line) => line.startsWith("0::"))?.slice(3) ?? "/";
  return readFileSync(join("/sys/fs/cgroup", path, version2), "utf8").trim();
}

/** All cgroups below one that stands at the root of every hierarchy, without those that engines make and keep. */
export function cgroupsLeft(name: string, engines: RegExp): string {
  return cgroupMounts()
    .map((mount) => join(mount, name))
    .filter((top) => existsSync(top))
    .flatMap((top) => cgroupsBelow(top).filter((path) => !engines.test(path.slice(top.length))))
    .join(" ");
}

/** Mount points below a directory, as this process sees them. */
export function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${directory}/`));
}

/** Names in a directory, in one line; empty when it is empty or is not there. */
export function namesIn(directory: string): string {
  return existsSync(directory) ? readdirSync(directory).sort().join(" ") : "";
}
