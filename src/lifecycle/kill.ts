import { ESRCH } from "../../native-bindings/errno.ts";
import { close, exists } from "../../native-bindings/files.ts";
import { thaw } from "../cgroups/freezer.ts";
import { killAll } from "../cgroups/kill.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { openProcess, trySendSignal } from "../state/process-identity.ts";
import { containerStatus } from "../state/status.ts";
import { endsWaitingInit, SIGKILL } from "./signals.ts";

/**
 * Sends a signal to a container's init. SIGKILL reaches a paused container, and all processes of a container that has no
 * pid namespace of its own (where init's end does not end the others).
 *
 * @throws RuntimeFault "container not running" when it is stopped, "unable to signal init: ..." otherwise.
 * @see runtime-spec runtime.md, Kill
 */
export function killContainer(root: string, id: string, signal: number, log: Pick<Log, "warn">): void {
  const record = readRecord(root, id);
  const status = containerStatus(record, `${root}/${id}`);
  if (record.init_process_pid <= 0) throw notRunning(id);
  if (status === "stopped") {
    // Without a pid namespace of its own, its other processes have outlived init.
    if (signal === SIGKILL && !record.private_pid_namespace && hasCgroup(record)) return void killThroughCgroup(record);
    throw notRunning(id);
  }
  if (signal === SIGKILL && !record.private_pid_namespace) {
    if (killThroughCgroup(record)) return;
    log.warn(
      "failed to kill all processes, possibly due to lack of cgroup (Hint: enable cgroup v2 delegation): only init is killed",
    );
  }
  const waiting = status === "created" && record.private_pid_namespace;
  signalInit(record, waiting && endsWaitingInit(signal) ? SIGKILL : signal);
  // A frozen process on cgroup v1 sees its SIGKILL when it is thawed.
  if (signal === SIGKILL && status === "paused" && record.cgroup !== undefined) thaw(record.cgroup);
}

/** True while the container's cgroup is there: until it is deleted. */
function hasCgroup({ cgroup }: ContainerRecord): boolean {
  for (const key in cgroup?.paths) if (exists(cgroup!.paths[key]!)) return true;
  return false;
}

/** The fault of every command that needs a process. */
export function notRunning(id: string): RuntimeFault {
  return new RuntimeFault({ what: "container not running", value: id });
}

function signalInit(record: ContainerRecord, signal: number): void {
  const pidfd = openProcess(record.init_process_pid, record.init_process_start);
  const result = pidfd === undefined ? -ESRCH : trySendSignal(pidfd, signal);
  if (pidfd !== undefined) close(pidfd);
  if (result === -ESRCH) throw new RuntimeFault({ what: "unable to signal init: os: process already finished" });
  if (result < 0) throw new RuntimeFault({ what: "unable to signal init", value: signal, errno: -result });
}

/** @returns false when the container has no cgroup of its own to kill through. */
export function killThroughCgroup(record: ContainerRecord): boolean {
  const { cgroup } = record;
  if (cgroup === undefined || Object.keys(cgroup.paths).length === 0) return false;
  killAll(cgroup);
  return true;
}
