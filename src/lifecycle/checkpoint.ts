import { ENOTDIR } from "../../native-bindings/errno.ts";
import {
  close,
  exists,
  O_CREAT,
  O_NOFOLLOW,
  O_RDWR,
  O_WRONLY,
  open,
  S_IFDIR,
  tryStat,
} from "../../native-bindings/files.ts";
import { valueOrThrow } from "../bundle/refuse.ts";
import { lexicalPath } from "../bundle/rules/paths.ts";
import { validateText } from "../bundle/validate.ts";
import { askVersion, type Criu, requireFeature } from "../criu/check-version.ts";
import { converse, type Notification } from "../criu/converse.ts";
import { findCriu } from "../criu/find-criu.ts";
import { type CriuOptions, RequestType } from "../criu/messages.ts";
import { startSwrk } from "../criu/swrk.ts";
import { readCgroupLayout } from "../host/cgroup-layout.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { readCreatedConfig } from "../state/created-config.ts";
import { containerStatus } from "../state/status.ts";
import {
  type CriuDirectories,
  type CriuSettings,
  closeDirectories,
  commonOptions,
  openDirectories,
  removeMade,
  withLog,
} from "./criu-settings.ts";
import { destroyContainer } from "./delete.ts";
import { externalDescriptors, saveDescriptors } from "./external-descriptors.ts";
import { mountsToSave } from "./external-mounts.ts";
import { namespacesToSave } from "./external-namespaces.ts";
import { withNotifySocket } from "./notify.ts";
import { StatusDescriptor } from "./status-descriptor.ts";

export interface CheckpointRequest extends CriuSettings {
  /** The state root, absolute. */
  readonly root: string;
  readonly id: string;
  /** Relative to the images: those of the dump that this one adds to. */
  readonly parentPath: string | undefined;
  readonly leaveRunning: boolean;
  readonly preDump: boolean;
  readonly tcpSkipInFlight: boolean;
  readonly linkRemap: boolean;
  readonly pageServer: { readonly address: string; readonly port: number } | undefined;
  /** The caller's descriptor that is told when the pages can be asked for. */
  readonly statusFd: number | undefined;
  readonly log: Log;
}

const logName = "dump.log";
/** In the container's directory: its memory was saved. runc's name, which tools look for. */
const markName = "checkpoint";

/**
 * Has criu save a container's processes, which ends them, unless they are to stay; then the container is deleted.
 *
 * What is mounted from outside is read from the config that the container was created from.
 *
 * @throws RuntimeFault; then the container runs on.
 */
export function checkpointContainer(request: CheckpointRequest): void {
  const { root, id, log } = request;
  const record = readRecord(root, id);
  const status = containerStatus(record, `${root}/${id}`);
  if (status !== "running" && status !== "paused") {
    throw new RuntimeFault({ what: `Container cannot be checkpointed in ${status} state` });
  }
  checkParent(request);
  const criu = askVersion(findCriu());
  if (request.preDump) requireFeature(criu.path, "mem_track", "--pre-dump");
  if (request.lazyPages) requireFeature(criu.path, "lazy_pages", "--lazy-pages");
  const told = new StatusDescriptor(request.statusFd);
  const directories = openDirectories(request, true);
  try {
    dump(request, record, criu, directories, told);
  } catch (error) {
    throw withLog(error, request, logName, log);
  } finally {
    told.close();
    closeDirectories(directories);
    removeMade(directories.made);
  }
  if (request.leaveRunning || request.preDump) return;
  try {
    destroyContainer(root, record, log);
  } catch (error) {
    log.warn(asFault(error, "unable to delete the container").message);
  }
}

function checkParent({ parentPath, imagePath }: CheckpointRequest): void {
  if (parentPath === undefined) return;
  if (parentPath.startsWith("/")) throw new RuntimeFault({ what: "--parent-path must be relative", value: parentPath });
  // Lexical: the directory of the images need not be there yet.
  const path = lexicalPath(`${imagePath}/${parentPath}`);
  const status = tryStat(path);
  const errno = typeof status === "number" ? -status : status.type === S_IFDIR ? 0 : ENOTDIR;
  if (errno !== 0) throw new RuntimeFault({ what: `invalid --parent-path: stat ${path}`, errno });
}

function dump(
  request: CheckpointRequest,
  record: ContainerRecord,
  criu: Criu,
  directories: CriuDirectories,
  told: StatusDescriptor,
): void {
  const opts = dumpOptions(request, record, criu, directories);
  // Older ones send no notification, but write to the descriptor themselves.
  if (request.lazyPages && criu.version < STATUS_READY) opts.status_fd = request.statusFd;
  if (!request.preDump) {
    saveDescriptors(directories.images, externalDescriptors(record.init_process_pid, record.cgroup));
  }
  const type = request.preDump ? RequestType.PRE_DUMP : RequestType.DUMP;
  const nothing = open("/dev/null", O_RDWR);
  try {
    const swrk = startSwrk({ path: criu.path, streams: [nothing, nothing, nothing], extra: [], bind: undefined });
    converse(swrk, { type, opts }, (notification) => {
      // By now criu has taken the descriptor over.
      if (opts.status_fd !== undefined) told.close();
      notified(notification, request, told);
    });
  } finally {
    close(nothing);
  }
}

function dumpOptions(
  request: CheckpointRequest,
  record: ContainerRecord,
  criu: Criu,
  directories: CriuDirectories,
): CriuOptions {
  const pid = record.init_process_pid;
  const directory = `${request.root}/${request.id}`;
  let config = valueOrThrow(validateText(readCreatedConfig(directory)), directory);
  if (exists(`${directory}/notify`)) config = withNotifySocket(config, directory);
  const layout = readCgroupLayout();
  const cgroupPaths = record.cgroup?.paths ?? {};
  const { parentPath } = request;
  return {
    ...commonOptions(request, directories, record.annotations, logName),
    pid,
    root: record.rootfs,
    leave_running: request.leaveRunning,
    tcp_skip_in_flight: request.tcpSkipInFlight,
    link_remap: request.linkRemap,
    ps: request.pageServer,
    parent_img: parentPath,
    track_mem: parentPath === undefined ? undefined : true,
    freeze_cgroup: freezerOf(record, criu),
    external: namespacesToSave(config, pid, criu),
    ext_mnt: request.preDump
      ? undefined
      : mountsToSave({ config, rootfs: record.rootfs, bundleDirectory: record.bundle, layout, cgroupPaths }, pid),
  };
}

/** With it criu stops the processes all at once; without it, or before 3.14 on cgroup2, one by one with ptrace(2). */
function freezerOf({ cgroup }: ContainerRecord, criu: Criu): string | undefined {
  if (cgroup === undefined) return undefined;
  if (cgroup.mode !== "v2") return cgroup.paths.freezer;
  return criu.version < FREEZER_OF_CGROUP2 ? undefined : cgroup.paths[""];
}

const FREEZER_OF_CGROUP2 = 31400;
const STATUS_READY = 31500;

function notified({ script, fds }: Notification, { root, id }: CheckpointRequest, told: StatusDescriptor): void {
  for (const fd of fds) close(fd);
  if (script === "status-ready") told.ready();
  if (script === "post-dump") close(open(`${root}/${id}/${markName}`, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600));
}
