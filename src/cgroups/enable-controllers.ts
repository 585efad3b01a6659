import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ResourceWrite } from "./resource-write.ts";

/** Controllers that work on processes only, never on single threads, cgroup-v2.rst "Threads". */
const domainControllers = ["memory", "io", "cpu", "hugetlb"];

/**
 * Makes every controller that the hierarchy's root has available in `directory`: each level passes on to its children
 * only what it is told to. A controller that can't be passed on is noticed when a limit needs it.
 *
 * @throws RuntimeFault when the directory is part of a threaded subtree and a limit needs a whole process.
 */
export function enableControllers(mountPoint: string, directory: string, writes: readonly ResourceWrite[]): void {
  const all = words(`${mountPoint}/cgroup.controllers`);
  const available = words(`${directory}/cgroup.controllers`);
  if (!all.every((controller) => available.includes(controller))) {
    for (const level of levels(mountPoint, directory)) {
      if (level !== directory && !hasOwnProcesses(level)) passOn(level, all);
    }
  }
  if (typeOf(directory) !== "domain") settleType(mountPoint, directory, writes);
}

/**
 * A cgroup with processes can pass on nothing but controllers of threads, and that would make it a threaded domain: no process from
 * elsewhere could enter a cgroup below it, and its own, which are not ours, would be bound to it. The hierarchy's root, which has no type, is exempt.
 */
function hasOwnProcesses(level: string): boolean {
  return typeOf(level) === "domain" && !!readTextIfThere(`${level}/cgroup.procs`);
}

/** All at once, or one by one when that fails: one that can't be had must not keep the others back. */
function passOn(level: string, controllers: readonly string[]): void {
  const file = `${level}/cgroup.subtree_control`;
  if (tryWriteExisting(file, `+${controllers.join(" +")}`) === 0) return;
  for (const controller of controllers) tryWriteExisting(file, `+${controller}`);
}

/** Below a cgroup that has processes and threaded children, new cgroups are "domain invalid" until they are threaded. */
function settleType(mountPoint: string, directory: string, writes: readonly ResourceWrite[]): void {
  const domain = writes.find((write) => domainControllers.includes(write.file.slice(0, write.file.indexOf("."))));
  for (const level of levels(mountPoint, directory)) {
    const type = typeOf(level);
    if (level === mountPoint || type === "domain" || type === undefined) continue;
    if (domain === undefined) {
      if (type === "domain invalid") tryWriteExisting(`${level}/cgroup.type`, "threaded");
      continue;
    }
    throw new RuntimeFault({
      what:
        `cannot enter cgroupv2 "${level}" with domain controllers -- it is in ` +
        (type === "domain invalid" ? "an invalid state" : `${type} mode`),
      where: domain.pointer,
      hint: "use a cgroupsPath outside of the threaded subtree",
    });
  }
}

/** The cgroup and all above it, from the mount point down. */
function levels(mountPoint: string, directory: string): string[] {
  const result = [mountPoint];
  for (
    let slash = directory.indexOf("/", mountPoint.length + 1);
    slash >= 0;
    slash = directory.indexOf("/", slash + 1)
  ) {
    result.push(directory.slice(0, slash));
  }
  result.push(directory);
  return result;
}

function words(path: string): string[] {
  const content = readTextIfThere(path)?.trim();
  return content ? content.split(" ") : [];
}

function typeOf(level: string): string | undefined {
  return readTextIfThere(`${level}/cgroup.type`)?.trim();
}
