/** What the mounts of a container need to know of this machine. Hot: one statx for each bind mount's source, and little else. */
import { CLONE_NEWUSER, PROC_SUPER_MAGIC } from "../../native-bindings/constants.ts";
import { ENOENT } from "../../native-bindings/errno.ts";
import {
  close,
  exists,
  O_DIRECTORY,
  O_PATH,
  open,
  readTextIfThere,
  S_IFDIR,
  tryStat,
} from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall } from "../../native-bindings/libc.ts";
import { openInRoot } from "../../native-bindings/open-in-root.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import type { Config, Mount } from "../bundle/config.ts";
import { relativeDestination } from "../plan/mount-destination.ts";
import type { BindSource, CgroupHierarchyFacts, CgroupMountFacts, MountFacts } from "../plan/mount-facts.ts";
import { RuntimeFault } from "../report/fault.ts";
import { nullStdio } from "./caller.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";

export interface MountFactsInput {
  readonly config: Config;
  readonly bundleDirectory: string;
  /** Physical, absolute. */
  readonly rootfs: string;
  readonly namespaces: { readonly all: number };
  readonly layout: CgroupLayout;
  /** The container's cgroup: its directory by hierarchy. */
  readonly cgroup: { readonly paths: Readonly<Record<string, string>> };
  readonly rootless: boolean;
  /** It may have to stay in its caller's cgroup, for want of permission to make one. */
  readonly mayStay: boolean;
  /** `--no-pivot` */
  readonly noPivot?: boolean;
}

/** @throws RuntimeFault for a bind mount whose source is not there. */
export function readMountFacts(input: MountFactsInput): MountFacts {
  const { config, namespaces, rootless } = input;
  const inUserNamespace = (namespaces.all & CLONE_NEWUSER) !== 0;
  const mounts = config.mounts ?? [];
  const sources: (BindSource | undefined)[] = [];
  const coveredModes: Record<string, number | undefined> = {};
  let wantsCgroups = false;
  for (let index = 0; index < mounts.length; index++) {
    const mount = mounts[index]!;
    if (mount.type === "cgroup") wantsCgroups = true;
    if (mount.type === "tmpfs" && !hasMode(mount)) {
      const { coveredMode } = require("./covered-mode.ts") as typeof import("./covered-mode.ts");
      coveredModes[`/mounts/${index}`] = coveredMode(
        input.rootfs,
        relativeDestination(mount.destination, input.rootfs),
      );
    }
    sources.push(isBind(mount) ? bindSource(input, mount, index) : undefined);
  }
  return {
    sources,
    coveredModes,
    givesSources: inUserNamespace && !rootless,
    cgroups: wantsCgroups ? cgroupFacts(input) : NO_CGROUPS,
    kcore: exists("/proc/kcore"),
    mayMakeDevices: !inUserNamespace && !rootless && mayMakeDevices(),
    selinux: config.linux?.mountLabel ? exists("/sys/fs/selinux/enforce") : false,
    nullStdio: config.process?.terminal ? [] : nullStdio(),
    hostMounts: input.noPivot ? hostMounts(input.rootfs) : [],
  };
}

function hasMode({ options }: Mount): boolean {
  for (const option of options ?? []) if (option.startsWith("mode=")) return true;
  return false;
}

const NO_CGROUPS: CgroupMountFacts = { unified: false, hierarchies: [], root: "", own: "" };

function isBind(mount: Mount): boolean {
  const { options } = mount;
  return options !== undefined && (options.includes("bind") || options.includes("rbind"));
}

function bindSource(input: MountFactsInput, mount: Mount, index: number): BindSource {
  const where = `/mounts/${index}/source`;
  const { source } = mount;
  if (!source) throw new RuntimeFault({ what: "bind mount without a source", where });
  const path = source.startsWith("/") ? source : `${input.bundleDirectory}/${source}`;
  const inside = path.startsWith(`${input.rootfs}/`) ? path.slice(input.rootfs.length + 1) : undefined;
  const status = tryStat(path);
  if (typeof status === "number" && (inside === undefined || status !== -ENOENT)) {
    throw new RuntimeFault({
      what: `error mounting ${JSON.stringify(source)} to rootfs at ${JSON.stringify(mount.destination)}: stat ${path}`,
      where,
      value: source,
      errno: -status,
    });
  }
  const destination = relativeDestination(mount.destination, input.rootfs);
  return {
    path,
    directory: typeof status === "number" || status.type === S_IFDIR,
    inside,
    procfs: destination === "proc" && isProcfs(path),
    resolvedDestination: danglingDestination(input.rootfs, destination),
  };
}

/** statfs(2): f_type is the first word. */
function isProcfs(path: string): boolean {
  const status = new Int32Array(30);
  return syscall(SYS.statfs, cstring(path), addressOf(status)) === 0 && status[0] === PROC_SUPER_MAGIC;
}

/**
 * Images have symbolic links into nothing (etc/resolv.conf → ../run/systemd/resolve/stub-resolv.conf): mkdir and mknod don't
 * follow those, so what they would name is found out here. What is returned is looked up again, inside the root.
 */
function danglingDestination(rootfs: string, destination: string): string | undefined {
  const root = open(rootfs, O_PATH | O_DIRECTORY);
  try {
    const fd = openInRoot(root, destination, O_PATH);
    if (fd >= 0) close(fd);
    if (fd !== -ENOENT) return undefined;
  } finally {
    close(root);
  }
  const { followMissing } = require("./follow-missing.ts") as typeof import("./follow-missing.ts");
  return followMissing(rootfs, destination);
}

const PR_CAPBSET_READ = 23;
const CAP_MKNOD = 27;

/** In any other user namespace than the first, mknod(2) is EPERM whatever the capabilities say. user_namespaces(7). */
function mayMakeDevices(): boolean {
  return syscall(SYS.prctl, PR_CAPBSET_READ, CAP_MKNOD) === 1 && inFirstUserNamespace();
}

function cgroupFacts({ layout, cgroup, mayStay }: MountFactsInput): CgroupMountFacts {
  const hierarchies: CgroupHierarchyFacts[] = [];
  let root = "/sys/fs/cgroup";
  let own = root;
  for (const { key, controllers, mountPoint, ownPath } of layout.hierarchies) {
    const callers = ownPath === "/" ? mountPoint : mountPoint + ownPath;
    // Version 1 is not delegated.
    const directory = mayStay && layout.mode !== "v2" ? callers : (cgroup.paths[key] ?? callers);
    if (key === "") {
      root = mountPoint;
      own = directory;
      continue;
    }
    // Controllers that share a mount are one directory in the container, too.
    const name = mountPoint.slice(mountPoint.lastIndexOf("/") + 1);
    let known = false;
    for (const other of hierarchies) if (other.name === name) known = true;
    if (known) continue;
    hierarchies.push({ name, controllers: controllers.split(","), directory });
  }
  return { unified: layout.mode === "v2", hierarchies, root, own };
}

/** Where the host has whole procfs and sysfs mounts, the last first. proc_pid_mountinfo(5). */
function hostMounts(rootfs: string): string[] {
  const found: string[] = [];
  for (const line of (readTextIfThere("/proc/self/mountinfo") ?? "").split("\n")) {
    const fields = line.split(" ");
    const separator = fields.indexOf("-");
    const type = fields[separator + 1];
    if (separator < 0 || (type !== "proc" && type !== "sysfs") || fields[3] !== "/") continue;
    const path = fields[4]!.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
    if (path !== rootfs && !path.startsWith(`${rootfs}/`)) found.unshift(path);
  }
  return found;
}
