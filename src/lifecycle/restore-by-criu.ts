/** A restore from where criu starts to where it ends. */
import { AT_EMPTY_PATH, CLONE_NEWNET, CLONE_NEWNS } from "../../native-bindings/constants.ts";
import { close, mkdir, O_RDWR, open, readText, tryRmdir } from "../../native-bindings/files.ts";
import { cstring, syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { placeProcess } from "../cgroups/place.ts";
import type { Criu } from "../criu/check-version.ts";
import { converse, type Notification } from "../criu/converse.ts";
import { type CriuOptions, RequestType } from "../criu/messages.ts";
import { endSwrk, openInMounts, type Swrk, startSwrk } from "../criu/swrk.ts";
import { runHostHooks } from "../hooks/host-hooks.ts";
import { stdioToOwn } from "../host/caller.ts";
import { readCgroupLayout } from "../host/cgroup-layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type ContainerRecord, writeRecord } from "../state/container-record.ts";
import { writeCreatedConfig } from "../state/created-config.ts";
import { startTimeOf } from "../state/process-identity.ts";
import type { CreateRequest } from "./create-request.ts";
import { type CriuDirectories, type CriuSettings, commonOptions } from "./criu-settings.ts";
import { pipesToReplace } from "./external-descriptors.ts";
import { mountsToRestore } from "./external-mounts.ts";
import { namespacesToRestore, type RestoredNamespaces } from "./external-namespaces.ts";
import { hostId } from "./host-id.ts";
import { openNamespaces } from "./namespace-paths.ts";
import { withNotifySocket } from "./notify.ts";
import type { PreparedStart } from "./prepare-start.ts";
import { readyRecord } from "./record.ts";
import { specVersion } from "./state.ts";
import { forwardSignalsTo } from "./supervise.ts";
import type { Undoable } from "./undo.ts";

export interface RestoreRequest extends CreateRequest, CriuSettings {
  readonly detach: boolean;
  readonly noSubreaper: boolean;
  readonly tcpClose: boolean;
  /** TYPE:NAME */
  readonly lsmProfile: string | undefined;
  readonly lsmMountContext: string | undefined;
}

/** A restore under way. */
export interface Restore {
  readonly request: RestoreRequest;
  readonly prepared: PreparedStart;
  readonly criu: Criu;
  readonly directories: CriuDirectories;
  /** The container's directory below the state root. */
  readonly directory: string;
  /** `--console-socket`, connected. */
  readonly consoleSocket: number | undefined;
  cgroup: Undoable["cgroup"];
  deviceMove: Undoable["deviceMove"];
  record: ContainerRecord;
  initPid: number;
  pidfd: number;
  /** The terminal's master, when it is this command that shows it. */
  master: number | undefined;
}

/** criu's log, in the work directory. */
export const logName = "restore.log";

/**
 * Starts criu in the container's cgroup and does what it tells, until everything runs.
 *
 * @throws RuntimeFault; what criu has made until then is left, in the cgroup.
 */
export function callCriu(restore: Restore): void {
  const { prepared, directory, criu } = restore;
  const { namespaces, bundle, rootfs } = prepared;
  const opened = new Map<string, number>();
  // criu wants its root to be a mount point. Without a mount namespace there is none to change.
  const target = (namespaces.cloned & CLONE_NEWNS) === 0 ? undefined : `${directory}/criu-root`;
  const nothing = open("/dev/null", O_RDWR);
  try {
    openNamespaces(namespaces.joined, bundle.config.linux, directory, opened);
    const joined = namespacesToRestore(namespaces.joined, opened, criu);
    if (target !== undefined) mkdir(target, 0o755);
    const swrk = startSwrk({
      path: criu.path,
      streams: bundle.config.process!.terminal === true ? [nothing, nothing, nothing] : ownedStreams(restore),
      extra: joined.extra,
      bind: target === undefined ? undefined : { source: rootfs, target },
    });
    const opts = prepareCriu(restore, swrk, target, joined, opened);
    converse(swrk, { type: RequestType.RESTORE, opts }, (told) => notified(restore, told));
    if (restore.initPid === 0) throw new RuntimeFault({ what: "criu did not tell which process it restored" });
    writeRecord(restore.request.root, restore.record);
  } finally {
    close(nothing);
    for (const fd of opened.values()) close(fd);
    if (target !== undefined) tryRmdir(target);
  }
}

/** Puts criu where it is to work, and says what it is to do. @throws after it has ended criu. */
function prepareCriu(
  restore: Restore,
  swrk: Swrk,
  target: string | undefined,
  joined: RestoredNamespaces,
  opened: Map<string, number>,
): CriuOptions {
  try {
    let { directories } = restore;
    if (target !== undefined) {
      const { images, work } = directories;
      const fds = openInMounts(swrk, work === undefined ? [images] : [images, work]);
      for (const fd of fds) opened.set(`directory:${fd}`, fd);
      directories = { images: fds[0]!, work: fds[1], made: [] };
    }
    placeProcess(restore.cgroup!, swrk.pid);
    const { resctrl } = restore.prepared;
    if (resctrl !== undefined) {
      const { enterGroup } = require("../resctrl/group.ts") as typeof import("../resctrl/group.ts");
      enterGroup(resctrl, swrk.pid);
    }
    return {
      ...restoreOptions(restore, directories, joined),
      root: target ?? restore.prepared.rootfs,
      // What criu restores goes below where it is itself.
      cg_root: cgroupsOf(readText(`/proc/${swrk.pid}/cgroup`)),
    };
  } catch (error) {
    endSwrk(swrk);
    throw error;
  }
}

function restoreOptions(restore: Restore, directories: CriuDirectories, joined: RestoredNamespaces): CriuOptions {
  const { request, prepared } = restore;
  const { bundle, rootfs, cgroup } = prepared;
  // Of a container that was created with NOTIFY_SOCKET; others have no mount of that name.
  const config = withNotifySocket(bundle.config, restore.directory);
  const layout = readCgroupLayout();
  const from = { config, rootfs, bundleDirectory: bundle.directory, layout, cgroupPaths: cgroup.paths };
  return {
    ...commonOptions(request, directories, config.annotations, logName),
    evasive_devices: true,
    // Init becomes a child of this process, not of criu, which ends.
    rst_sibling: true,
    tcp_close: request.tcpClose,
    lsm_profile: request.lsmProfile,
    lsm_mount_context: request.lsmMountContext,
    ext_mnt: mountsToRestore(from),
    join_ns: joined.options.join_ns,
    inherit_fd: [...joined.options.inherit_fd!, ...pipesToReplace(directories.images, request.imagePath)],
  };
}

/** The caller's streams, which the container's user must be able to open again, as after create. */
function ownedStreams({ request: { detach }, prepared }: Restore): readonly [number, number, number] {
  const { config } = prepared.bundle;
  const owner = hostId(config, config.process!.user?.uid ?? 0);
  for (const fd of stdioToOwn(owner, detach)) syscall(SYS.fchownat, fd, cstring(""), owner, -1, AT_EMPTY_PATH);
  return [0, 1, 2];
}

/** Every controller with its path. proc_pid_cgroup(5), whose paths may have colons. */
function cgroupsOf(text: string): { ctrl: string; path: string }[] {
  const found: { ctrl: string; path: string }[] = [];
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^[0-9]+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const ctrl of controllers.split(",")) found.push({ ctrl, path });
  }
  return found;
}

function notified(restore: Restore, { script, pid, fds }: Notification): void {
  if (script === "orphan-pts-master" && fds[0] !== undefined) takeTerminal(restore, fds[0]);
  else for (const fd of fds) close(fd);
  if (script === "setup-namespaces") {
    moveNetDevices(restore, pid);
    runHooks(restore, pid);
  } else if (script === "post-restore") writeDown(restore, pid);
}

const SEND_TIMEOUT_MS = 10_000;

/** The restored terminal's other end: for whoever asked for it, or for this command to show. */
function takeTerminal(restore: Restore, master: number): void {
  if (restore.consoleSocket === undefined) {
    restore.master = master;
    return;
  }
  try {
    sendWithDescriptors(restore.consoleSocket, utf8("orphan-pts-master"), [master], SEND_TIMEOUT_MS);
  } finally {
    close(master);
  }
}

/** Into a network namespace that is new: in one that outlived the container they have stayed. */
function moveNetDevices(restore: Restore, pid: number): void {
  const { namespaces, bundle } = restore.prepared;
  const devices = bundle.config.linux?.netDevices ?? {};
  if (Object.keys(devices).length === 0 || (namespaces.cloned & CLONE_NEWNET) === 0) return;
  const { openDeviceMove, moveDevices } =
    require("../network/move-devices.ts") as typeof import("../network/move-devices.ts");
  restore.deviceMove = openDeviceMove(pid);
  moveDevices(restore.deviceMove, devices);
}

/** The namespaces are there, and nothing runs in them yet: as after the first half of a create. */
function runHooks({ request, prepared }: Restore, pid: number): void {
  const { hooks, annotations } = prepared.bundle.config;
  const { directory } = prepared.bundle;
  const state = {
    ociVersion: specVersion,
    id: request.id,
    status: "creating",
    pid,
    bundle: directory,
    annotations,
  } as const;
  if (hooks?.prestart !== undefined) runHostHooks("prestart", hooks.prestart, state, directory);
  if (hooks?.createRuntime !== undefined) runHostHooks("createRuntime", hooks.createRuntime, state, directory);
}

/** All is restored, and about to go on. */
function writeDown(restore: Restore, pid: number): void {
  restore.initPid = pid;
  const startTime = startTimeOf(pid);
  if (startTime === undefined) throw new RuntimeFault({ what: "the restored process is gone", value: pid });
  restore.pidfd = syscall(SYS.pidfd_open, pid, 0);
  if (restore.pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -restore.pidfd);
  // From here on the container can be seen, and who signals this process means it.
  const { request, prepared } = restore;
  if (!request.detach) forwardSignalsTo(restore.pidfd, prepared.bundle.config.process!.terminal === true);
  restore.record = readyRecord(restore.record, restore.cgroup!, pid, startTime, { steps: [], starts: [] });
  writeCreatedConfig(restore.directory, prepared.bundle.configText);
  // criu is in the cgroup still.
  writeRecord(request.root, { ...restore.record, restoring: true });
}
