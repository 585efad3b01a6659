import { MNT_DETACH, UMOUNT_NOFOLLOW } from "../../native-bindings/constants.ts";
import { ENOENT, ENOTDIR } from "../../native-bindings/errno.ts";
import {
  close,
  readLink,
  S_IFDIR,
  tryLstat,
  tryReadDirectory,
  tryRmdir,
  tryUnlink,
} from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { isFrozen, thaw } from "../cgroups/freezer.ts";
import { pidsIn } from "../cgroups/processes.ts";
import { removeCgroup } from "../cgroups/remove.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import {
  type ContainerRecord,
  isMissingContainer,
  readEarlierRecord,
  readRecord,
  recordName,
} from "../state/container-record.ts";
import { openProcess, startTimeOf, trySendSignal, waitForEnd } from "../state/process-identity.ts";
import { containerStatus } from "../state/status.ts";
import { killThroughCgroup } from "./kill.ts";
import { SIGKILL } from "./signals.ts";
import { specVersion } from "./state.ts";

/** How long a killed process may take to end: it may have memory to give back, or children in other places. */
const END_TIMEOUT_MS = 10_000;

export interface DeleteRequest {
  /** The state root, absolute. */
  readonly root: string;
  readonly id: string;
  /** Kill a container that runs, and be content when there is none. */
  readonly force: boolean;
  readonly log: Log;
}

/**
 * Deletes a container: its processes, its cgroup, its state, and then runs its poststop hooks. It can be repeated after it
 * was interrupted at any point: what says what there is to remove, state.json, goes last.
 *
 * @throws RuntimeFault in runc's words.
 * @see runtime-spec runtime.md, Delete
 */
export function deleteContainer(request: DeleteRequest): void {
  const { root, id, force } = request;
  const directory = `${root}/${id}`;
  let record: ContainerRecord;
  try {
    record = readRecord(root, id);
  } catch (error) {
    if (deletedWithoutRecord(error, directory, request)) return;
    throw error;
  }
  const status = containerStatus(record, directory);
  if (!force && status !== "stopped" && status !== "created") {
    throw new RuntimeFault({ what: `cannot delete container ${id} that is not stopped: ${status}` });
  }
  if (status === "creating") {
    killAndWait(record.creator_pid ?? 0, record.creator_start ?? 0, "the command that is creating the container");
    // Read again: what it has made meanwhile is in the record that it wrote last.
    deleteContainer(request);
    return;
  }
  destroyContainer(root, record, request.log);
}

/**
 * No usable record: a create that was killed early leaves a directory without one; a damaged one may have an earlier one
 * beside it. The directory goes, so that the id is free again.
 *
 * @returns true when that was all that the caller wanted.
 */
function deletedWithoutRecord(error: unknown, directory: string, request: DeleteRequest): boolean {
  const { root, id, force, log } = request;
  if (!(error instanceof RuntimeFault)) return false;
  if (isMissingContainer(error)) {
    removeDirectory(directory);
    return force;
  }
  // An id that is none has no directory; a file that is there and cannot be understood has.
  if (!force || !error.facts.where?.endsWith(recordName)) return false;
  const earlier = readEarlierRecord(root, id);
  if (earlier !== undefined) {
    // What it knows of the container's creation is enough to find the processes: through the cgroup.
    destroyContainer(root, earlier, log);
    return true;
  }
  log.warn(`${error.message}: processes and cgroups of the container, if any, are not known`);
  removeDirectory(directory);
  return true;
}

/**
 * Removes everything that a record names, whatever the container's status.
 *
 * @throws RuntimeFault when a process does not end or a cgroup cannot be removed; the record is still there then.
 */
export function destroyContainer(root: string, record: ContainerRecord, log: Log): void {
  endProcesses(record);
  log.stage("processes have ended");
  if (record.cgroup !== undefined) {
    removeCgroup(record.cgroup);
    log.stage("cgroup removed");
  }
  if (record.intel_rdt_owned !== undefined) {
    (require("../resctrl/group.ts") as typeof import("../resctrl/group.ts")).removeGroups(record.intel_rdt_owned);
  }
  if (record.host_mount !== undefined) {
    const { removeHostMounts } = require("./host-mounts.ts") as typeof import("./host-mounts.ts");
    removeHostMounts(root, record);
  }
  removeDirectory(`${root}/${record.id}`);
  log.stage("state removed");
  runPoststopHooks(record, log);
}

function endProcesses(record: ContainerRecord): void {
  if (record.status === "creating" && record.restoring !== true) endPrograms(record);
  // Also when init is gone: without a pid namespace of their own the others live on.
  else if (!record.private_pid_namespace || record.restoring === true) killThroughCgroup(record);
  killAndWait(record.init_process_pid, record.init_process_start, "container init", record);
}

/**
 * Create was killed before it could write down who init is, perhaps before it had looked whether the cgroup is another
 * container's: only what is still our program is killed. Nothing of the container's own has run yet.
 */
function endPrograms({ cgroup }: ContainerRecord): void {
  if (cgroup === undefined) return;
  for (const pid of pidsIn(cgroup)) {
    if (readLink(`/proc/${pid}/exe`)?.startsWith("/memfd:runts") !== true) continue;
    const startTime = startTimeOf(pid);
    if (startTime !== undefined) killAndWait(pid, startTime, "container init");
  }
}

function killAndWait(pid: number, startTime: number, who: string, frozen?: ContainerRecord): void {
  const pidfd = openProcess(pid, startTime);
  if (pidfd === undefined) return;
  try {
    trySendSignal(pidfd, SIGKILL);
    if (waitForEnd(pidfd, 0)) return;
    // A frozen process on cgroup v1 sees its SIGKILL when it is thawed.
    if (frozen?.cgroup !== undefined && isFrozen(frozen.cgroup)) thaw(frozen.cgroup);
    if (!waitForEnd(pidfd, END_TIMEOUT_MS)) {
      throw new RuntimeFault({
        what: `${who} still running`,
        value: pid,
        hint: "it did not end within 10 s of SIGKILL",
      });
    }
  } finally {
    close(pidfd);
  }
}

/**
 * The specification wants a failing poststop hook to be a warning, and the others to run (runtime.md, Lifecycle 13): there
 * is nothing left that a caller could repeat.
 */
function runPoststopHooks(record: ContainerRecord, log: Log): void {
  const hooks = record.hooks?.poststop;
  if (hooks === undefined || hooks.length === 0) return;
  const { runHostHook } = require("../hooks/host-hooks.ts") as typeof import("../hooks/host-hooks.ts");
  const state = {
    ociVersion: specVersion,
    id: record.id,
    status: "stopped",
    bundle: record.bundle,
    annotations: record.annotations,
  } as const;
  for (let index = 0; index < hooks.length; index++) {
    try {
      runHostHook("poststop", index, hooks[index]!, state);
    } catch (error) {
      log.warn(asFault(error, "error running poststop hook").message);
    }
  }
}

/**
 * Removes a container's directory with all that is in it, the record last.
 *
 * @throws RuntimeFault with the path and errno of what remains; for a symbolic link in the directory's place, before
 *   anything happens.
 */
export function removeDirectory(path: string): void {
  const status = tryLstat(path);
  if (status === -ENOENT || status === -ENOTDIR) return;
  if (typeof status === "number") throw notRemoved(path, status);
  if (status.type !== S_IFDIR) {
    throw new RuntimeFault({ what: "unable to remove the container's state", where: path, hint: "it is no directory" });
  }
  emptyDirectory(path, status.mountId);
  removed(`${path}/${recordName}`, tryUnlink(`${path}/${recordName}`));
  removed(path, tryRmdir(path));
}

function emptyDirectory(path: string, mountId: number): void {
  const entries = tryReadDirectory(path);
  if (typeof entries === "number") {
    removed(path, entries);
    return;
  }
  for (const { name } of entries) {
    if (name === recordName) continue;
    const entry = `${path}/${name}`;
    const status = tryLstat(entry);
    if (typeof status !== "number" && status.type === S_IFDIR) {
      if (status.mountId !== mountId) detachMounts(entry, mountId);
      emptyDirectory(entry, mountId);
      tryUnlink(`${entry}/${recordName}`);
      removed(entry, tryRmdir(entry));
    } else {
      removed(entry, tryUnlink(entry));
    }
  }
}

/**
 * A mount in the way is only detached, and nothing in it is touched: a restore of runc's that was killed leaves the root file
 * system of its container here.
 */
function detachMounts(path: string, mountId: number): void {
  for (let left = MOST_MOUNTS; left > 0; left--) {
    const status = tryLstat(path);
    if (typeof status === "number" || status.mountId === mountId) return;
    removed(path, syscall(SYS.umount2, cstring(path), MNT_DETACH | UMOUNT_NOFOLLOW));
  }
  throw new RuntimeFault({ what: "unable to remove the container's state: too many mounts", where: path });
}

const MOST_MOUNTS = 64;

function removed(path: string, result: number): void {
  if (result < 0 && result !== -ENOENT) throw notRemoved(path, result);
}

function notRemoved(path: string, result: number): RuntimeFault {
  return new RuntimeFault({ what: "unable to remove the container's state", where: path, errno: -result });
}
