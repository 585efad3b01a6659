import type { CgroupHierarchy, CgroupLayout } from "../host/cgroup-layout.ts";
import { RuntimeFault } from "../report/fault.ts";

const POINTER = "/linux/cgroupsPath";

/** The v1 hierarchies a container has a directory in, in the order they are made and joined. runc's list. */
const joined = [
  "cpuset",
  "devices",
  "memory",
  "cpu",
  "cpuacct",
  "pids",
  "blkio",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "freezer",
  "rdma",
  "name=systemd",
  "misc",
  "",
];

/**
 * `linux.cgroupsPath` in each hierarchy, by runc's keys, in the order in which they are made and joined.
 *
 * Absolute: below the hierarchy's root. Relative, or absent (then the id): below this process's own cgroup; in cgroup v2
 * below its parent, because a cgroup with processes in it can't give controllers to its children. `..` never leads out.
 *
 * @throws RuntimeFault when the path is the hierarchy's root or the runtime's own cgroup (killing "all of the container"
 * there would kill the machine), or when v1 has no devices hierarchy: a container without device rules is no container.
 */
export function cgroupPaths(cgroupsPath: string | undefined, id: string, layout: CgroupLayout): Record<string, string> {
  const inner = inside(cgroupsPath || id);
  if (inner === "") {
    throw new RuntimeFault({
      what: "cgroupsPath resolves to the root of the hierarchy or to the runtime's own cgroup",
      where: POINTER,
      value: cgroupsPath,
      hint: "name a cgroup for this container alone",
    });
  }
  const absolute = cgroupsPath?.startsWith("/") ?? false;
  return pathsInHierarchies(layout, (hierarchy) => (absolute ? "" : base(hierarchy, layout)) + inner);
}

/**
 * A container's directory in each hierarchy, by runc's keys.
 *
 * @param below where in the hierarchy.
 * @throws RuntimeFault when the hierarchy is not there that no container can do without.
 */
export function pathsInHierarchies(
  layout: CgroupLayout,
  below: (hierarchy: CgroupHierarchy) => string,
): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const key of layout.mode === "v2" ? [""] : joined) {
    const hierarchy = hierarchyOf(layout, key);
    if (hierarchy === undefined) continue;
    paths[key] = hierarchy.mountPoint + below(hierarchy);
  }
  const needed = layout.mode === "v2" ? "" : "devices";
  if (paths[needed] === undefined) {
    throw new RuntimeFault({
      what: needed === "" ? "no cgroup hierarchy is mounted" : "cgroup: subsystem does not exist: devices",
      where: "/sys/fs/cgroup",
      hint: "mount cgroup2, or the v1 hierarchies with the devices controller",
    });
  }
  return paths;
}

/** One of the layout's hierarchies by runc's key. */
export function hierarchyOf(layout: CgroupLayout, key: string): CgroupHierarchy | undefined {
  for (const hierarchy of layout.hierarchies) if (hierarchy.key === key) return hierarchy;
  return undefined;
}

/** What a relative path is below, without a "/" at the end. */
function base(hierarchy: CgroupHierarchy, layout: CgroupLayout): string {
  const own = hierarchy.ownPath;
  if (layout.mode === "v2") return own.slice(0, Math.max(0, own.lastIndexOf("/")));
  return own === "/" ? "" : own;
}

/** "" or "/a/b": no empty component, no `.`, and `..` stops at the root as in a file system. */
function inside(path: string): string {
  if (path.includes("\n") || path.includes("\0")) {
    throw new RuntimeFault({
      what: "cgroupsPath has a newline or a NUL byte, which no cgroup can have",
      where: POINTER,
      value: path,
    });
  }
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return kept.length === 0 ? "" : `/${kept.join("/")}`;
}

/** True for "slice:prefix:name", which means something to the systemd driver and is an odd directory name to this one. */
export function looksLikeSystemd(cgroupsPath: string): boolean {
  return !cgroupsPath.includes("/") && cgroupsPath.split(":").length === 3;
}
