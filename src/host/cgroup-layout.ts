/**
 * Which cgroup hierarchies this machine has, where they are mounted, and where this process is in each.
 *
 * Source: cgroups(7), proc_pid_mountinfo(5), and the kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
import { readText } from "../../native-bindings/files.ts";

/** One controller, or one named hierarchy. Co-mounted controllers ("cpu,cpuacct") are entries with one mount point. */
export interface CgroupHierarchy {
  /** The name runc gives it in `cgroup_paths`: "memory", "name=systemd", and "" for the cgroup2 hierarchy. */
  readonly key: string;
  /** Every controller of the same mount, with commas, as in /proc/self/cgroup. "" for cgroup2. */
  readonly controllers: string;
  readonly mountPoint: string;
  /** This process's cgroup, as a path below `mountPoint`: "/" or "/a/b". */
  readonly ownPath: string;
}

export interface CgroupLayout {
  /** `v1` and `hybrid` have limits in v1; `hybrid` also has a cgroup2 mount, which has no limits but cgroup.kill. */
  readonly mode: "v1" | "hybrid" | "v2";
  readonly hierarchies: readonly CgroupHierarchy[];
}

interface CgroupMount {
  readonly root: string;
  readonly mountPoint: string;
}

/** @throws SystemError when /proc is not mounted. */
export function readCgroupLayout(): CgroupLayout {
  return parseCgroupLayout(readText("/proc/self/mountinfo"), readText("/proc/self/cgroup"));
}

/** {@link readCgroupLayout} of given texts: /proc/self/mountinfo and /proc/self/cgroup. */
export function parseCgroupLayout(mountinfo: string, ownCgroups: string): CgroupLayout {
  const mounts = cgroupMounts(mountinfo);
  const hierarchies: CgroupHierarchy[] = [];
  let legacy = false;
  let unified = false;
  for (const line of ownCgroups.split("\n")) {
    // hierarchy-ID:controller-list:cgroup-path, and the path may have colons.
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (second < 0) continue;
    const controllers = line.slice(first + 1, second);
    for (const key of controllers.split(",")) {
      const mount = mounts.get(key);
      if (mount === undefined) continue;
      const ownPath = below(mount.root, line.slice(second + 1));
      hierarchies.push({ key, controllers, mountPoint: mount.mountPoint, ownPath });
      if (key === "") unified = true;
      else legacy = true;
    }
  }
  return { mode: legacy ? (unified ? "hybrid" : "v1") : "v2", hierarchies };
}

/**
 * The cgroup mounts by controller (and by every other option, which does no harm), "" for cgroup2.
 *
 * Hosts of many containers have thousands of other lines, so those are never looked at.
 */
function cgroupMounts(mountinfo: string): Map<string, CgroupMount> {
  const marker = " - cgroup";
  const mounts = new Map<string, CgroupMount>();
  for (let at = mountinfo.indexOf(marker); at >= 0; at = mountinfo.indexOf(marker, at + 1)) {
    const start = mountinfo.lastIndexOf("\n", at) + 1;
    let end = mountinfo.indexOf("\n", at);
    if (end < 0) end = mountinfo.length;
    const before = mountinfo.slice(start, at).split(" ");
    const [type, , options] = mountinfo.slice(at + 3, end).split(" ");
    const mount = { root: unescaped(before[3]!), mountPoint: unescaped(before[4]!) };
    if (type === "cgroup2") prefer(mounts, "", mount);
    else if (type === "cgroup") for (const option of options!.split(",")) prefer(mounts, option, mount);
  }
  return mounts;
}

/** A hierarchy may be mounted more than once (in a container's rootfs, say): the standard place counts, else the first. */
function prefer(mounts: Map<string, CgroupMount>, key: string, mount: CgroupMount): void {
  const other = mounts.get(key);
  if (other === undefined || (!isStandard(other) && isStandard(mount))) mounts.set(key, mount);
}

function isStandard(mount: CgroupMount): boolean {
  return mount.mountPoint === "/sys/fs/cgroup" || mount.mountPoint.startsWith("/sys/fs/cgroup/");
}

/** mountinfo writes space, tab, newline, backslash and # as three octal digits. */
function unescaped(field: string): string {
  let at = field.indexOf("\\");
  if (at < 0) return field;
  let result = "";
  let from = 0;
  for (; at >= 0; at = field.indexOf("\\", from)) {
    result += field.slice(from, at) + String.fromCharCode(Number.parseInt(field.slice(at + 1, at + 4), 8));
    from = at + 4;
  }
  return result + field.slice(from);
}

/**
 * Where a cgroup path is below the mounted root.
 *
 * The root is not "/" in a nested container without a cgroup namespace. In a cgroup namespace paths outside it begin with
 * "/..", and how the one is below the other can't be known: then, and when it is not below at all, it is the root itself,
 * which no ".." leads out of.
 */
function below(root: string, path: string): string {
  if (path.startsWith("/..") || root.startsWith("/..")) return "/";
  if (root === "/") return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
}
