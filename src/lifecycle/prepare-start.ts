/** Everything that is thought out before anything is touched: bundle → plan, or a fault. */
import { CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { Config, LinuxIntelRdt, POSIXRlimit } from "../bundle/config.ts";
import { readBundle } from "../bundle/read-bundle.ts";
import { lexicalPath } from "../bundle/rules/paths.ts";
import { selfPlacement } from "../cgroups/place.ts";
import { type CgroupPlan, type CgroupRequest, planCgroup } from "../cgroups/plan.ts";
import { stdioToOwn } from "../host/caller.ts";
import { readCgroupLayout } from "../host/cgroup-layout.ts";
import { homeDirectory } from "../host/home-directory.ts";
import { readMountFacts } from "../host/mount-facts.ts";
import { checkRootDirectory } from "../host/root-directory.ts";
import { keepsGroups } from "../plan/annotations.ts";
import { mountsInHost, planMounts } from "../plan/mounts.ts";
import { type NamespacePlan, planNamespaces } from "../plan/namespaces.ts";
import { needsHome } from "../plan/process.ts";
import { type Placement, planStart, type StartPlan } from "../plan/start-plan.ts";
import type { PlaceSelf } from "../plan/steps/placement.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ResctrlGroup } from "../resctrl/group.ts";
import { validateId } from "../state/state-root.ts";
import { cgroupOwner } from "./cgroup-owner.ts";
import type { CreateRequest } from "./create-request.ts";
import { hostId } from "./host-id.ts";
import { setgroupsOfJoined, withoutGroups } from "./id-maps.ts";
import { callersOpenFiles } from "./limits.ts";
import { filterCacheDirectory, seccompFilter } from "./seccomp-filter.ts";

export interface PreparedStart {
  readonly bundle: Bundle;
  readonly rootfs: string;
  readonly namespaces: NamespacePlan;
  readonly cgroup: CgroupPlan;
  readonly plan: StartPlan;
  /** Limits that init has no right to set in its user namespace, and the runtime has. */
  readonly rlimitsByRuntime: readonly POSIXRlimit[];
  /** The effective user is not root. */
  readonly rootless: boolean;
  /** The mount that the root file system lies on, when the container's mounts are made on it in the runtime's namespace. */
  readonly hostMount: number | undefined;
  /** linux.intelRdt */
  readonly resctrl: ResctrlGroup | undefined;
}

/**
 * Reads, validates and plans.
 *
 * @param filterCache where compiled seccomp filters are kept; "" keeps none.
 * @throws RuntimeFault for whatever is wrong, before anything is created.
 */
export function prepareStart(
  request: CreateRequest,
  startBy: "fifo" | "sync",
  detached: boolean,
  filterCache = filterCacheDirectory(),
): PreparedStart {
  const bundle = readBundle(request.bundle);
  request.log.stage("config.json read and valid");
  const config = withCallersGifts(bundle.config, request);
  if (needsSupport(config)) supportCheck().checkSupported(config, request.log, request.restores === true);
  checkTerminal(config, request, detached);
  for (const warning of bundle.warnings) request.log.warn(`${warning.pointer}: ${warning.message}`);
  if (config.process!.apparmorProfile || config.process!.selinuxLabel) {
    (require("./check-labels.ts") as typeof import("./check-labels.ts")).checkLabels(config.process!);
  }
  const rootless = syscall(SYS.geteuid) !== 0;
  const namespaces = planNamespaces(config);
  if (rootless) rootlessCheck().checkRootless(config, namespaces);
  // It names the cgroup when there is no path.
  validateId(request.id);
  const layout = readCgroupLayout();
  const cgroupRequest = {
    owner: layout.mode === "v2" ? cgroupOwner(config) : undefined,
    cgroupsPath: config.linux?.cgroupsPath,
    id: request.id,
    resources: config.linux?.resources,
    devices: config.linux?.devices,
    layout,
    // Root under a rootless engine has no more rights in the host's cgroups than its user.
    rootless: request.rootless === "auto" ? rootless || !inFirstUserNamespace() : request.rootless,
  };
  const cgroup = request.systemdCgroup ? planForSystemd(cgroupRequest, config) : planCgroup(cgroupRequest);
  const mayStay = cgroup.rootless && !cgroup.cgroupsPath;
  for (const warning of cgroup.warnings) request.log.warn(warning);

  const rootfs = rootfsPath(bundle);
  const { noPivot } = request;
  const rlimits = config.process!.rlimits ?? [];
  const inUser = (namespaces.all & CLONE_NEWUSER) !== 0;
  const byRuntime = !rootless && inUser;
  let openFiles = true;
  for (const { type } of rlimits) if (type === "RLIMIT_NOFILE") openFiles = false;
  const callers = openFiles || config.hooks?.createContainer !== undefined ? callersOpenFiles() : undefined;
  const inherited = openFiles ? callers : undefined;
  const byInit = byRuntime ? [] : rlimits;
  const filter = seccompFilter(config, filterCache, request.log, !!config.hooks?.startContainer?.length);
  const facts = readMountFacts({
    config,
    bundleDirectory: bundle.directory,
    rootfs,
    namespaces,
    layout,
    cgroup,
    rootless,
    mayStay,
    noPivot,
  });
  request.log.stage("this machine looked at");
  const plan = planStart({
    id: request.id,
    config,
    namespaces,
    rootfs: planMounts({ config, rootfs, namespaces, facts, noPivot }),
    process: {
      home: needsHome(config.process!) ? homeOf(config, rootfs) : "/",
      ownedStdio: config.process!.terminal
        ? TERMINAL
        : stdioToOwn(hostId(config, config.process!.user?.uid ?? 0), detached),
      groupsKept:
        keepsGroups(config) ||
        withoutGroups(config, namespaces.newUser, inUser ? setgroupsOfJoined(config) : undefined, request.log),
    },
    startBy,
    sessionKeyring: !request.noNewKeyring,
    placement: placement(cgroup, namespaces, mayStay),
    filter,
    rlimits: inherited === undefined ? byInit : [inherited, ...byInit],
    callersOpenFiles: callers,
    rootless,
    preservedDescriptors: request.preserveFds,
  });
  request.log.stage("start planned");
  const rdt = config.linux?.intelRdt;
  const resctrl = rdt === undefined ? undefined : resctrlGroup(request.id, rdt);
  const hostMount = mountsInHost(config, namespaces.all) ? hostMountOf(rootfs) : undefined;
  return {
    bundle,
    rootfs,
    namespaces,
    cgroup,
    plan,
    rlimitsByRuntime: byRuntime ? rlimits : [],
    rootless,
    hostMount,
    resctrl,
  };
}

/**
 * How init gets into its cgroup. On v2 by its birth, which wants the host's root: with a user namespace the process that
 * clones it goes there first.
 *
 * @param mayStay it may have to stay in its caller's cgroup.
 */
function placement(cgroup: CgroupPlan, namespaces: NamespacePlan, mayStay: boolean): Placement {
  if (cgroup.unit !== undefined) return { intoCgroup: false, files: selfPlacement(cgroup), byManager: true };
  const unified = cgroup.paths[""];
  const intoCgroup = unified !== undefined && !mayStay && (namespaces.all & CLONE_NEWUSER) === 0;
  const files: PlaceSelf["files"][number][] = [];
  for (const { file, optional } of selfPlacement(cgroup)) files.push({ file, optional: optional || mayStay });
  if (!intoCgroup && unified !== undefined)
    files.push({ file: `${unified}/cgroup.procs`, optional: cgroup.mode === "hybrid", mayBeAbsent: mayStay });
  return { intoCgroup, files };
}

/** Socket activation and a socket to notify are the caller's, not the bundle's. */
function withCallersGifts(config: Config, { activation, notifySocket, root, id }: CreateRequest): Config {
  if (notifySocket !== undefined) {
    const { withNotifySocket } = require("./notify.ts") as typeof import("./notify.ts");
    config = withNotifySocket(config, `${root}/${id}`);
  }
  if (activation === undefined || activation.length === 0) return config;
  const { env = [] } = config.process!;
  return { ...config, process: { ...config.process!, env: [...env, ...activation] } };
}

/** As a unit of systemd's, which is asked where its units are. */
function planForSystemd(request: CgroupRequest, config: Config): CgroupPlan {
  const { planForManager } = require("./systemd-cgroup.ts") as typeof import("./systemd-cgroup.ts");
  return planForManager(request, config);
}

function rootlessCheck(): typeof import("./check-rootless.ts") {
  return require("./check-rootless.ts") as typeof import("./check-rootless.ts");
}

function supportCheck(): typeof import("./check-supported.ts") {
  return require("./check-supported.ts") as typeof import("./check-supported.ts");
}

/** True when check-supported.ts may have something to say. Most containers have none of it. */
function needsSupport({ linux, hooks }: Config): boolean {
  if (hooks !== undefined) return true;
  return linux?.netDevices !== undefined || !!linux?.mountLabel;
}

/** resctrl: looked at for those that ask for it. */
function resctrlGroup(id: string, rdt: LinuxIntelRdt): ResctrlGroup {
  const { resctrlRoot } = require("../resctrl/root.ts") as typeof import("../resctrl/root.ts");
  const { planGroup } = require("../resctrl/group.ts") as typeof import("../resctrl/group.ts");
  return planGroup(resctrlRoot(), id, rdt);
}

function hostMountOf(rootfs: string): number | undefined {
  return (require("./host-mounts.ts") as typeof import("./host-mounts.ts")).mountIdOf(rootfs);
}

/** All three standard descriptors are the same new terminal, which belongs to the container's root. */
const TERMINAL: readonly number[] = [0];

/** A terminal needs somebody at its other end, and a console socket a terminal. runc's words. */
function checkTerminal(config: Config, { consoleSocket }: CreateRequest, detached: boolean): void {
  const terminal = config.process!.terminal === true;
  if (terminal && detached && consoleSocket === undefined) {
    throw new RuntimeFault({
      what: "cannot allocate tty if runc will detach without setting console socket",
      where: "/process/terminal",
      hint: "give --console-socket, or set process.terminal to false",
    });
  }
  if (consoleSocket !== undefined && !(terminal && detached)) {
    throw new RuntimeFault({
      what: "cannot use console socket if runc will not detach or allocate tty",
      where: "--console-socket",
      value: consoleSocket,
    });
  }
}

/** root.path as an absolute host path, clean. */
function rootfsPath(bundle: Bundle): string {
  const path = bundle.config.root!.path;
  const full = lexicalPath(path.startsWith("/") ? path : `${bundle.directory}/${path}`);
  checkRootDirectory(full, path);
  return full;
}

/** A bind mount over /etc or /etc/passwd is what the container will see there. */
function homeOf(config: Config, rootfs: string): string {
  let source: string | undefined;
  for (const mount of config.mounts ?? []) {
    if (!mount.source?.startsWith("/") || !(mount.options?.includes("bind") || mount.options?.includes("rbind")))
      continue;
    if (mount.destination === "/etc/passwd") source = mount.source;
    else if (mount.destination === "/etc") source = `${mount.source}/passwd`;
  }
  return homeDirectory(rootfs, config.process!.user?.uid ?? 0, source);
}
