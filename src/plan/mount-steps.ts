/** config.mounts → steps, one a mount, in the order of the config. config.md "Mounts". */
import {
  MS_BIND,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SYNCHRONOUS,
} from "../../native-bindings/constants.ts";
import type { Config, Mount } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { mountLabelOption } from "./annotations.ts";
import { bindStep } from "./bind-step.ts";
import { planCgroupMount } from "./cgroup-mount-steps.ts";
import { checkProcRules, mayCoverInProc, relativeDestination } from "./mount-destination.ts";
import type { MountFacts } from "./mount-facts.ts";
import { mountLabel, takesContext } from "./mount-label.ts";
import {
  dataText,
  type FilesystemOption,
  type MountOptions,
  mountAttributes,
  parseMountOptions,
} from "./mount-options.ts";
import type { Step } from "./step.ts";
import type { MakeReadonly } from "./steps/hidden-paths.ts";
import type { MountByCall } from "./steps/mount-by-call.ts";
import type { MountFilesystem } from "./steps/mount-filesystem.ts";
import type { MountPoint } from "./steps/mount-point.ts";
import { namesMode, withMode } from "./tmpfs-mode.ts";

export interface MountsInput {
  readonly config: Config;
  /** Physical path of the root file system on the host. */
  readonly rootfs: string;
  readonly facts: MountFacts;
  /** The container is in a user namespace that is not the runtime's. */
  readonly userNamespace: boolean;
  /** The container has a cgroup namespace of its own. */
  readonly cgroupNamespace: boolean;
}

/** What the mounts so far mean for those that follow. */
export interface MountProgress {
  readonly steps: Step[];
  /** What is made read-only at the end. */
  readonly deferred: MakeReadonly[];
  /** /dev is a tmpfs of ours: what is in it is known, and its descriptor is kept. */
  freshDev: boolean;
  /** The descriptor of /dev is kept. */
  devKept: boolean;
  /** The host's or the caller's own directory is on /dev: nothing is made in it. */
  devBound: boolean;
  /** Mount points below /dev, without "dev/". */
  readonly inDev: string[];
  procMounted: boolean;
  sysMounted: boolean;
}

/** More mounts than this, and each gives its descriptors back at once: the soft limit may be 1024. */
const TIDY_ABOVE = 50;

/** The steps of all mounts. @throws RuntimeFault for a mount that must not be. */
export function planMountSteps(input: MountsInput): MountProgress {
  const mounts = input.config.mounts ?? [];
  const progress: MountProgress = {
    steps: [],
    deferred: [],
    freshDev: false,
    devKept: false,
    devBound: false,
    inDev: [],
    procMounted: false,
    sysMounted: false,
  };
  const tidy = mounts.length > TIDY_ABOVE;
  for (let index = 0; index < mounts.length; index++) planMount(input, progress, mounts[index]!, index, tidy);
  return progress;
}

function planMount(input: MountsInput, progress: MountProgress, mount: Mount, index: number, tidy: boolean): void {
  const from = `/mounts/${index}`;
  const options = parseMountOptions(mount.options);
  if (mount.uidMappings?.length && options.idmap === "none") options.idmap = "top";
  const source = input.facts.sources[index];
  const path = relativeDestination(source?.resolvedDestination ?? mount.destination, input.rootfs);
  if (path === "") {
    throw new RuntimeFault({
      what: `mountpoint ${JSON.stringify(mount.destination)} is on the top of rootfs ${JSON.stringify(input.rootfs)}`,
      where: `${from}/destination`,
    });
  }
  const procfs = options.bind ? source?.procfs === true : mount.type === "proc";
  checkProcRules(path, mount.destination, procfs, `${from}/destination`);
  const point = mountPoint(progress, path, mount, options, source?.directory === false);
  if (path.startsWith("dev/")) progress.inDev.push(path.slice(4));

  if (options.bind && (options.flags & MS_REMOUNT) === 0) {
    progress.steps.push(bindStep(input, mount, index, options, point, tidy));
    if (path === "dev") progress.devBound = true;
  } else if (mount.type === "cgroup") {
    progress.steps.push(planCgroupMount(input, mount, options, point, from, tidy));
  } else if (needsMountCall(mount, options)) {
    progress.steps.push(callStep(input, mount, options, point, from));
    if (path === "dev") progress.freshDev = progress.devKept = false;
  } else {
    filesystemStep(input, progress, mount, options, point, from, path, tidy);
  }
  if (procfs) progress.procMounted = true;
  if (mount.type === "sysfs" && path === "sys") progress.sysMounted = true;
}

/** How the mount point is found: the less there is to look up, the better. */
function mountPoint(
  progress: MountProgress,
  path: string,
  mount: Mount,
  options: MountOptions,
  file: boolean,
): MountPoint {
  const kernelTree = !options.bind && (mount.type === "proc" || mount.type === "sysfs");
  const slash = path.indexOf("/");
  if (slash < 0 && kernelTree) {
    return { by: "child", parent: "rootfs", path, file, make: true, outsideProc: false, noSymlinks: true };
  }
  if (progress.freshDev && path.startsWith("dev/") && path.indexOf("/", 4) < 0) {
    const name = path.slice(4);
    return { by: "child", parent: "dev", path: name, file, make: true, outsideProc: false, noSymlinks: true };
  }
  // sysfs has no symbolic links that lead out of it, and nothing can be made in it.
  const inSysfs = progress.sysMounted && path.startsWith("sys/");
  // Only procfs comes here, and what it may cover is asked above.
  const inProc = path === "proc" || mayCoverInProc(path);
  return {
    by: "path",
    parent: "rootfs",
    path,
    file,
    make: !inSysfs && (!inProc || path === "proc"),
    outsideProc: progress.procMounted && !inSysfs && !inProc,
    noSymlinks: kernelTree || path === "proc",
  };
}

/** What fsconfig(2) can't say: values above 255 bytes, `remount`, and SB_I_VERSION. */
function needsMountCall(mount: Mount, options: MountOptions): boolean {
  if ((options.flags & (MS_REMOUNT | MS_I_VERSION)) !== 0) return true;
  if (mount.source !== undefined && mount.source.length > 255) return true;
  for (const { value } of options.data) if (value !== undefined && value.length > 255) return true;
  return false;
}

function callStep(
  input: MountsInput,
  mount: Mount,
  options: MountOptions,
  point: MountPoint,
  from: string,
): MountByCall {
  const label = options.bind || !takesContext(mount.type ?? "") ? undefined : mountLabel(input);
  const data = dataText(options.data);
  const flags = options.flags | (options.bind ? MS_BIND | (options.recursive ? MS_REC : 0) : 0);
  return {
    kind: "mount-by-call",
    from,
    type: mount.type ?? "",
    source: mount.source ?? "",
    destination: mount.destination,
    point: point.by === "path" ? point : asPath(point),
    flags,
    // Quoted: a label may have commas.
    data: label === undefined ? data : `${data}${data === "" ? "" : ","}${mountLabelOption(input.config)}="${label}"`,
    propagation: options.propagation,
  };
}

/** The same place, looked up from the root. */
function asPath(point: MountPoint): MountPoint {
  const path = point.parent === "dev" ? `dev/${point.path}` : point.path;
  return { ...point, by: "path", parent: "rootfs", path };
}

function filesystemStep(
  input: MountsInput,
  progress: MountProgress,
  mount: Mount,
  options: MountOptions,
  point: MountPoint,
  from: string,
  path: string,
  tidy: boolean,
): void {
  const type = mount.type ?? "";
  const isDev = path === "dev";
  const isTmpfs = type === "tmpfs";
  const readonly = (options.flags & MS_RDONLY) !== 0;
  // What goes into it must be made first: device nodes, mount points of later mounts.
  const deferred = readonly && (isTmpfs || isDev);
  const keepMode = isTmpfs && point.by === "path" && !namesMode(options.data);
  const data = filesystemData(input, mount, options, type);
  const keepAs = isDev ? "dev" : deferred ? `tmpfs:${from}` : undefined;
  const step: MountFilesystem = {
    kind: "mount-filesystem",
    from,
    type,
    source: mount.source ?? "",
    destination: mount.destination,
    point,
    data: keepMode ? withMode(data, input.facts.coveredModes[from]) : data,
    attributes: mountAttributes(deferred ? options.flags & ~MS_RDONLY : options.flags),
    propagation: options.propagation,
    keepMode,
    copyUp: isTmpfs && options.copyUp && point.by === "path",
    keepAs,
    label: type === "mqueue" ? mountLabel(input) : undefined,
    tidy,
  };
  progress.steps.push(step);
  if (deferred) progress.deferred.push({ kind: "make-readonly", from, mount: keepAs, path: mount.destination });
  if (isDev) {
    progress.freshDev = isTmpfs && !step.copyUp;
    progress.devKept = true;
    progress.devBound = false;
    progress.inDev.length = 0;
  }
}

/** The options of the file system, with those of mount(2)'s flags that are the file system's and not the mount's. */
function filesystemData(input: MountsInput, mount: Mount, options: MountOptions, type: string): FilesystemOption[] {
  const { flags, data } = options;
  const label = mountLabel(input);
  const ownFlags = MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_MANDLOCK;
  const onDevice = (flags & MS_RDONLY) !== 0 && mount.source?.charCodeAt(0) === 0x2f;
  if ((flags & ownFlags) === 0 && !onDevice && label === undefined) return data;
  const all: FilesystemOption[] = [];
  if (flags & MS_SYNCHRONOUS) all.push({ key: "sync", value: undefined });
  if (flags & MS_DIRSYNC) all.push({ key: "dirsync", value: undefined });
  if (flags & MS_LAZYTIME) all.push({ key: "lazytime", value: undefined });
  if (flags & MS_MANDLOCK) all.push({ key: "mand", value: undefined });
  // A disk must not even be written to for its own sake (journal replay), which the mount's attribute would allow.
  if (onDevice) all.push({ key: "ro", value: undefined });
  for (const option of data) all.push(option);
  if (label !== undefined && takesContext(type)) all.push({ key: mountLabelOption(input.config), value: label });
  return all;
}
