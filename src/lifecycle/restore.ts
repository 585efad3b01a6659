import { PR_SET_CHILD_SUBREAPER } from "../../native-bindings/constants.ts";
import { close, mkdir } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { killAll } from "../cgroups/kill.ts";
import { oomKilled } from "../cgroups/oom.ts";
import { prepareCgroup } from "../cgroups/prepare.ts";
import { askVersion, type Criu } from "../criu/check-version.ts";
import { findCriu } from "../criu/find-criu.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { writeRecord } from "../state/container-record.ts";
import { makeContainerDirectory } from "../state/state-root.ts";
import { connectConsole } from "./connect-console.ts";
import { closeDirectories, openDirectories, removeMade, withLog } from "./criu-settings.ts";
import { destroyContainer } from "./delete.ts";
import { prepareStart } from "./prepare-start.ts";
import { firstRecord } from "./record.ts";
import { callCriu, logName, type Restore, type RestoreRequest } from "./restore-by-criu.ts";
import { makeMountPoints } from "./restore-mount-points.ts";
import { supervise } from "./supervise.ts";
import { undoSetUp } from "./undo.ts";
import { writePidFile } from "./write-pid-file.ts";

export type { RestoreRequest };

/**
 * Has criu bring a container back from its images, and unless detached stays until it ends and deletes it.
 *
 * @returns the exit status of the container's program, 128 + the signal that killed it, or 0 when detached.
 * @throws RuntimeFault; then nothing is left of it but mount points in its root file system, and criu's log.
 */
export function restoreContainer(request: RestoreRequest): number {
  const { detach, noSubreaper, log } = request;
  const prepared = prepareStart(request, "sync", detach);
  if (request.noPivot) log.warn("--no-pivot has no effect: how the root is changed is criu's own affair");
  const criu = askVersion(findCriu());
  checkLabelOptions(request, criu);
  const directories = openDirectories(request, false);
  let consoleSocket: number | undefined;
  try {
    if (request.consoleSocket !== undefined) {
      const path = request.consoleSocket;
      consoleSocket = connectConsole(path.startsWith("/") ? path : `${prepared.bundle.directory}/${path}`);
    }
    // What the container's program leaves behind when it ends becomes ours to reap, as under run.
    if (!detach && !noSubreaper) syscall(SYS.prctl, PR_SET_CHILD_SUBREAPER, 1);
    const restore = bringBack({ request, prepared, criu, directories, consoleSocket });
    return detach ? 0 : stay(restore);
  } finally {
    if (consoleSocket !== undefined) close(consoleSocket);
    closeDirectories(directories);
    removeMade(directories.made);
  }
}

/** Older ones take another profile, and do not apply it. */
const LABELS_SINCE = 31600;

function checkLabelOptions({ lsmProfile, lsmMountContext }: RestoreRequest, { version, path }: Criu): void {
  if (version >= LABELS_SINCE) return;
  const option =
    lsmProfile !== undefined ? "--lsm-profile" : lsmMountContext !== undefined ? "--lsm-mount-context" : "";
  if (option !== "") throw new RuntimeFault({ what: `${option} requires at least CRIU 3.16`, where: path });
}

function bringBack(given: Pick<Restore, "request" | "prepared" | "criu" | "directories" | "consoleSocket">): Restore {
  const { request, prepared } = given;
  const restore: Restore = {
    ...given,
    directory: makeContainerDirectory(request.root, request.id),
    cgroup: undefined,
    deviceMove: undefined,
    record: firstRecord(request, prepared),
    initPid: 0,
    pidfd: -1,
    master: undefined,
  };
  try {
    // Written before anything else exists: whoever finds it after this process was killed knows what to remove.
    writeRecord(request.root, restore.record);
    restore.cgroup = prepareCgroup(prepared.cgroup);
    restore.record = { ...restore.record, cgroup: restore.cgroup, restoring: true };
    writeRecord(request.root, restore.record);
    mkdir(`${restore.directory}/notify`, 0o755);
    makeMountPoints(prepared.bundle.config, prepared.rootfs, prepared.bundle.directory);
    callCriu(restore);
    if (request.pidFile !== undefined) writePidFile(request.pidFile, restore.initPid);
    return restore;
  } catch (error) {
    const told = outOfMemory(restore, error) ?? withLog(error, request, logName, request.log);
    undo(restore);
    throw asFault(told, "unable to restore the container");
  } finally {
    if (restore.deviceMove !== undefined) {
      const { closeDeviceMove } = require("../network/move-devices.ts") as typeof import("../network/move-devices.ts");
      closeDeviceMove(restore.deviceMove);
    }
  }
}

/** criu works inside the container's limits. */
function outOfMemory({ cgroup }: Restore, cause: unknown): RuntimeFault | undefined {
  if (cgroup === undefined || !oomKilled(cgroup)) return undefined;
  const what = "criu was OOM-killed (memory limit too low?)";
  return new RuntimeFault({ what, where: "/linux/resources/memory/limit", cause });
}

/** What criu did not take back itself goes with the cgroup, which was empty before. */
function undo(restore: Restore): void {
  const { request, cgroup } = restore;
  if (restore.pidfd >= 0) close(restore.pidfd);
  if (restore.master !== undefined) close(restore.master);
  try {
    if (cgroup !== undefined) killAll(cgroup);
  } catch (error) {
    request.log.warn(asFault(error, "unable to kill what was restored").message);
  }
  undoSetUp({ ...restore, enterPid: 0 });
}

function stay({ request, record, initPid, pidfd, master }: Restore): number {
  const status = supervise({ pid: initPid, pidfd, console: master });
  try {
    destroyContainer(request.root, record, request.log);
  } catch (error) {
    request.log.warn(asFault(error, "unable to delete the container").message);
  }
  return status;
}
