/** From a plan to a container whose init waits for start; or to nothing at all, if anything fails. */
import { MFD_CLOEXEC, SOCK_SEQPACKET } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { socketPair } from "../../native-bindings/unix-socket.ts";
import { oomKilled } from "../cgroups/oom.ts";
import { openForClone } from "../cgroups/place.ts";
import { makeBirthplace, prepareCgroup } from "../cgroups/prepare.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { DeviceMove } from "../network/move-devices.ts";
import { compileStart } from "../plan/compile.ts";
import type { CompiledProgram } from "../plan/compile-program.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { type ContainerRecord, putReplacement, stageReplacement, writeRecord } from "../state/container-record.ts";
import { makeContainerDirectory } from "../state/state-root.ts";
import { limitSilence, sayGo } from "./conversation.ts";
import { converse } from "./converse.ts";
import type { CreateRequest } from "./create-request.ts";
import { removeDirectory } from "./delete.ts";
import { makeFifos } from "./exec-fifos.ts";
import { hostId } from "./host-id.ts";
import { letGo } from "./let-go.ts";
import { applyRlimits } from "./limits.ts";
import { openNamespaces } from "./namespace-paths.ts";
import type { Notify } from "./notify.ts";
import { type PreparedStart, prepareStart } from "./prepare-start.ts";
import { firstRecord } from "./record.ts";
import { withRoom } from "./room-for-enter.ts";
import { spawnProgram } from "./spawn-program.ts";
import { holdSignals, releaseSignals } from "./supervise.ts";
import { undoSetUp } from "./undo.ts";
import { writePidFile } from "./write-pid-file.ts";

/** A container that waits for start. */
export interface SetUpContainer {
  readonly record: ContainerRecord;
  readonly pid: number;
  /** Under run: of init. */
  readonly pidfd: number;
  /** The sync socket; under run, what start is said through. */
  readonly sync: number;
  /** The master of the container's terminal, when it is this command that shows it. */
  readonly console: number | undefined;
  /** Under run: what its program says of its being ready. */
  readonly notify?: Notify;
  readonly compiled: CompiledProgram;
}

/** What is known of a set-up under way: what must be undone if it fails. */
export interface SetUp {
  readonly request: CreateRequest;
  readonly prepared: PreparedStart;
  readonly directory: string;
  readonly compiled: CompiledProgram;
  /** Descriptors for the program, by name, open in this process. */
  readonly given: Map<string, number>;
  cgroup: CgroupRecord | undefined;
  /** The process that was spawned: it makes init and ends. 0 once it is reaped. */
  enterPid: number;
  initPid: number;
  /** Under run, once init is there. */
  initPidfd: number;
  /** Who says start: the `start` command, or a run, which stays in the foreground or does not. */
  readonly startedBy: "start" | "run" | "foreground run";
  /** What is or will be in the state file. */
  record: ContainerRecord;
  /** Under run in the foreground: this process's end of the socket that the console's master comes through, then the master. */
  console: number | undefined;
  /** How a hook inside the container ended, if one failed: a wait status. */
  hookStatus: number | undefined;
  /** Network devices that have left the host, with what is needed to bring them back. */
  deviceMove: DeviceMove | undefined;
  /** Under run: init was told to go on, and the record is in its place. */
  isLetGo: boolean;
}

/**
 * Makes the container up to the point where its init blocks until start; under run it is let go on at once.
 *
 * @param detached this command will not stay to serve a terminal, and signals to it are not the container's.
 * @throws RuntimeFault; then nothing is left: no process, cgroup, mount or state.
 */
export function setUpContainer(request: CreateRequest, startBy: "fifo" | "sync", detached: boolean): SetUpContainer {
  if (request.notifySocket !== undefined) return setUpNotifying(request, startBy, detached);
  const prepared = prepareStart(request, startBy, detached);
  return setUpPrepared(prepared, request, startBy, !detached, () => makeContainerDirectory(request.root, request.id));
}

/** With a socket to notify, the container's directory is there before the plan: a mount's source is in it. */
function setUpNotifying(request: CreateRequest, startBy: "fifo" | "sync", detached: boolean): SetUpContainer {
  const { makeNotifyDirectory, openNotify, closeNotify } = require("./notify.ts") as typeof import("./notify.ts");
  const directory = makeNotifyDirectory(request);
  let notify: Notify | undefined;
  try {
    const prepared = prepareStart(request, startBy, detached);
    // Under create it is for start to listen.
    if (startBy === "sync") notify = openNotify(directory, request.notifySocket!);
    return { ...setUpPrepared(prepared, request, startBy, !detached, () => directory), notify };
  } catch (error) {
    if (notify !== undefined) closeNotify(notify);
    removeDirectory(directory);
    throw error;
  }
}

function setUpPrepared(
  prepared: PreparedStart,
  request: CreateRequest,
  startBy: "fifo" | "sync",
  foreground: boolean,
  makeDirectory: () => string,
): SetUpContainer {
  const compiled = compileStart(prepared.plan);
  if (request.log.debugging) request.log.stage(`plan compiled: ${compiled.program.length} operations`);
  const directory = makeDirectory();
  const setUp: SetUp = {
    request,
    prepared,
    directory,
    compiled,
    given: new Map(),
    cgroup: undefined,
    enterPid: 0,
    initPid: 0,
    initPidfd: -1,
    startedBy: startBy === "fifo" ? "start" : foreground ? "foreground run" : "run",
    console: undefined,
    hookStatus: undefined,
    deviceMove: undefined,
    isLetGo: false,
    record: firstRecord(request, prepared),
  };
  try {
    return build(setUp);
  } catch (error) {
    const killed = setUp.cgroup !== undefined && oomKilled(setUp.cgroup);
    undoSetUp(setUp);
    if (setUp.console !== undefined) close(setUp.console);
    throw killed ? outOfMemory(error) : asFault(error, "unable to start container process");
  } finally {
    if (setUp.deviceMove !== undefined) devicesMoving().closeDeviceMove(setUp.deviceMove);
    for (const fd of setUp.given.values()) close(fd);
  }
}

function lostProcesses(): typeof import("./lost-processes.ts") {
  return require("./lost-processes.ts") as typeof import("./lost-processes.ts");
}

function devicesMoving(): typeof import("../network/move-devices.ts") {
  return require("../network/move-devices.ts") as typeof import("../network/move-devices.ts");
}

function outOfMemory(cause: unknown): RuntimeFault {
  return new RuntimeFault({
    what: "container init was OOM-killed (memory limit too low?)",
    where: "/linux/resources/memory/limit",
    cause,
  });
}

function build(setUp: SetUp): SetUpContainer {
  const { request, prepared, directory, compiled, given, startedBy } = setUp;
  const { log } = request;
  if (startedBy === "foreground run") holdSignals();
  // Written before anything else exists: whoever finds it after this process was killed knows what to remove.
  writeRecord(request.root, setUp.record);
  setUp.cgroup = makeBirthplace(withRoom(prepared));
  log.stage("state directory made");

  const [sync, programsEnd] = socketPair(SOCK_SEQPACKET);
  given.set("sync", programsEnd);
  try {
    if (startedBy === "start") makeFifos(directory, hostId(prepared.bundle.config, 0), given);
    openNamespaces(prepared.namespaces.joined, prepared.bundle.config.linux, directory, given);
    openRareDescriptors(setUp);
    limitSilence(sync);
    spawn(setUp);
    // What is in brackets is what runc calls it, and what its users look for.
    if (log.debugging) log.stage(`enter spawned, pid ${setUp.enterPid} (nsexec container setup)`);
    finishCgroup(setUp, sync);
    if (prepared.cgroup.rootless && !prepared.namespaces.privatePid) lostProcesses().warnOfLostProcesses(setUp);
    log.stage("cgroup made, limits in force");
    converse(setUp, sync);
  } catch (error) {
    close(sync);
    throw error;
  }
  if (prepared.hostMount !== undefined) noteHostMount(setUp);
  if (prepared.rlimitsByRuntime.length > 0) applyRlimits(setUp.initPid, prepared.rlimitsByRuntime);
  if (startedBy === "start") putReplacement(request.root, request.id);
  else if (!setUp.isLetGo) letGo(setUp, sync);
  if (startedBy === "foreground run") releaseSignals();
  if (request.pidfdSocket !== undefined) sendPidfd(request.pidfdSocket, setUp);
  if (request.pidFile !== undefined) writePidFile(request.pidFile, setUp.initPid);
  log.stage(startedBy === "start" ? "state written, init waits for start" : "state written");
  return { record: setUp.record, pid: setUp.initPid, pidfd: setUp.initPidfd, sync, console: setUp.console, compiled };
}

/** Without a mount namespace: which of the mounts on the directory is this container's, before another one is made on it. */
function noteHostMount(setUp: SetUp): void {
  const { mountIdOf } = require("./host-mounts.ts") as typeof import("./host-mounts.ts");
  setUp.record = { ...setUp.record, host_mount_own: mountIdOf(`/proc/${setUp.initPid}/root`) };
  stageReplacement(setUp.request.root, setUp.record);
}

function sendPidfd(socket: string, { initPid, prepared }: SetUp): void {
  const path = socket.startsWith("/") ? socket : `${prepared.bundle.directory}/${socket}`;
  (require("./activation.ts") as typeof import("./activation.ts")).sendPidfd(path, initPid, "standard");
}

/**
 * cgroup v1: made, and limited, while the new process makes its namespaces. The limits come first: while device rules are being
 * written, init could not make its device nodes.
 */
function finishCgroup({ prepared, cgroup, enterPid }: SetUp, sync: number): void {
  if (prepared.cgroup.unit !== undefined) {
    const { prepareUnit } =
      require("../cgroups/systemd/prepare-unit.ts") as typeof import("../cgroups/systemd/prepare-unit.ts");
    prepareUnit(withRoom(prepared), cgroup!, enterPid);
  } else if (prepared.cgroup.mode !== "v2") {
    prepareCgroup(withRoom(prepared), cgroup);
  }
  if (prepared.plan.awaitsCgroup) sayGo(sync);
}

/** What only some containers' programs are given: state for inner hooks, the console socket, prepared mounts, a cgroup. */
function openRareDescriptors(setUp: SetUp): void {
  for (const name of setUp.prepared.plan.given) {
    if (setUp.given.has(name)) continue;
    if (name === "cgroup") {
      const fd = openForClone(setUp.cgroup!);
      if (fd !== undefined) setUp.given.set(name, fd);
    } else if (name.startsWith("hook")) {
      const fd = syscall(SYS.memfd_create, cstring(name), MFD_CLOEXEC);
      if (fd < 0) throw new SystemError("memfd_create", name, -fd);
      setUp.given.set(name, fd);
    } else {
      const { openGiven } = require("./open-given.ts") as typeof import("./open-given.ts");
      setUp.given.set(name, openGiven(name, setUp));
    }
  }
}

function spawn(setUp: SetUp): void {
  const { prepared, compiled, directory, given, request } = setUp;
  const firstOwn = 3 + request.preserveFds;
  const descriptors: number[] = [];
  for (const name of prepared.plan.given) descriptors.push(given.get(name)!);
  setUp.enterPid = spawnProgram({
    program: compiled.program,
    firstOwn,
    descriptors,
    sources: compiled.sources,
    stateDirectory: directory,
  });
  // Only the program may hold its end, or its death would not be noticed. What hooks read is written when the pid is known.
  for (const [name, fd] of given) {
    if (name.startsWith("hook")) continue;
    close(fd);
    given.delete(name);
  }
}
