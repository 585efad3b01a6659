/**
 * The mounts of a container that come from outside of it. criu does not save what they hold: it saves a name, and binds what
 * restore says goes by that name. The names are the mount points, as runc has them: either can restore what the other saved.
 */
import { CLONE_NEWCGROUP } from "../../native-bindings/constants.ts";
import { ENOENT, ENOTDIR } from "../../native-bindings/errno.ts";
import { close, fstat, O_DIRECTORY, O_PATH, open, S_IFDIR } from "../../native-bindings/files.ts";
import { openInRoot } from "../../native-bindings/open-in-root.ts";
import type { Config, Mount } from "../bundle/config.ts";
import type { ExternalMount } from "../criu/messages.ts";
import type { CgroupLayout } from "../host/cgroup-layout.ts";
import { followMissing } from "../host/follow-missing.ts";
import { relativeDestination } from "../plan/mount-destination.ts";
import { planNamespaces } from "../plan/namespaces.ts";
import { RuntimeFault } from "../report/fault.ts";

export interface MountsFromOutside {
  readonly config: Config;
  /** Absolute. */
  readonly rootfs: string;
  readonly bundleDirectory: string;
  readonly layout: CgroupLayout;
  /** The container's cgroup: its directory by hierarchy. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
}

/** A mount from outside: where it is in the container, and what is bound there, on the host. */
interface BoundMount {
  readonly destination: string;
  readonly source: string;
}

/** True for a mount with its own bind mount: not for a change of one that is there. */
export function isBindMount({ options }: Mount): boolean {
  if (options === undefined || options.includes("remount")) return false;
  return options.includes("bind") || options.includes("rbind");
}

/** A destination as a path inside the root, "/a/b", symbolic links of the root file system followed. */
export function insideRoot(destination: string, rootfs: string): string {
  const path = relativeDestination(destination, rootfs);
  return `/${followMissing(rootfs, path) ?? path}`;
}

/** A bind mount's source, absolute. */
export function sourceOf({ source }: Mount, bundleDirectory: string): string {
  return source?.startsWith("/") ? source : `${bundleDirectory}/${source}`;
}

function boundMounts(input: MountsFromOutside): BoundMount[] {
  const { config, rootfs, bundleDirectory } = input;
  const found: BoundMount[] = [];
  // With a cgroup namespace of its own, and on cgroup2, the mounts are real ones.
  const bindsCgroups = input.layout.mode !== "v2" && (planNamespaces(config).all & CLONE_NEWCGROUP) === 0;
  for (const mount of config.mounts ?? []) {
    const destination = insideRoot(mount.destination, rootfs);
    if (isBindMount(mount)) found.push({ destination, source: sourceOf(mount, bundleDirectory) });
    else if (mount.type === "cgroup" && bindsCgroups) found.push(...cgroupBinds(input, destination));
  }
  // Where no nodes may be made, these are bind mounts too. criu takes no offence at names that no mount has.
  for (const path of devicePaths(config)) found.push({ destination: insideRoot(path, rootfs), source: path });
  return found;
}

/** A mount of type cgroup on version 1: a bind mount for each hierarchy. */
function cgroupBinds({ layout, cgroupPaths }: MountsFromOutside, destination: string): BoundMount[] {
  const found = new Map<string, BoundMount>();
  for (const { key, mountPoint, ownPath } of layout.hierarchies) {
    const name = mountPoint.slice(mountPoint.lastIndexOf("/") + 1);
    if (key === "" || found.has(name)) continue;
    const source = cgroupPaths[key] ?? (ownPath === "/" ? mountPoint : mountPoint + ownPath);
    found.set(name, { destination: `${destination}/${name}`, source });
  }
  return [...found.values()];
}

const DEFAULT_DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

function devicePaths({ linux }: Config): string[] {
  return [...new Set([...DEFAULT_DEVICES, ...(linux?.devices ?? []).map(({ path }) => path)])];
}

const NULL_DEVICE = "/dev/null";

/**
 * What criu is told when it saves: mount point → name.
 *
 * @param pid of the container's init.
 * @throws RuntimeFault when the container's root cannot be looked into.
 */
export function mountsToSave(input: MountsFromOutside, pid: number): ExternalMount[] {
  const found = boundMounts(input).map(({ destination }) => ({ key: destination, val: destination }));
  for (const path of maskedFiles(input.config.linux?.maskedPaths ?? [], pid))
    found.push({ key: path, val: NULL_DEVICE });
  return found;
}

/** What criu is told when it restores: name → path on the host. */
export function mountsToRestore(input: MountsFromOutside): ExternalMount[] {
  const found = boundMounts(input).map(({ destination, source }) => ({ key: destination, val: source }));
  // What masked files are covered with; /dev/null is not saved either, so it is there already.
  if (!found.some(({ key }) => key === NULL_DEVICE)) found.push({ key: NULL_DEVICE, val: NULL_DEVICE });
  return found;
}

/** Those of the masked paths that are files, which the host's /dev/null covers. Looked up as the container sees them. */
function maskedFiles(paths: readonly string[], pid: number): string[] {
  if (paths.length === 0) return [];
  const root = open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY);
  try {
    return paths.filter((path) => isFileIn(root, path));
  } finally {
    close(root);
  }
}

function isFileIn(root: number, path: string): boolean {
  const fd = openInRoot(root, path, O_PATH);
  if (fd === -ENOENT || fd === -ENOTDIR) return false;
  if (fd < 0)
    throw new RuntimeFault({
      what: "unable to look at a masked path",
      where: "/linux/maskedPaths",
      value: path,
      errno: -fd,
    });
  try {
    return fstat(fd).type !== S_IFDIR;
  } finally {
    close(fd);
  }
}
