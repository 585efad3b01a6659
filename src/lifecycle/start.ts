import { EAGAIN, EINTR, ENOENT, ENXIO } from "../../native-bindings/errno.ts";
import {
  close,
  fstat,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFIFO,
  tryOpen,
  tryRmdir,
  tryUnlink,
} from "../../native-bindings/files.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { Message, OPERATION_BYTES, OPERATIONS_ADDRESS } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { openProcess } from "../state/process-identity.ts";
import { containerStatus, execFifoName, resultDirectoryName, resultFifoName } from "../state/status.ts";
import { specVersion } from "./state.ts";

export interface StartRequest {
  /** The state root, absolute. */
  readonly root: string;
  readonly id: string;
  /** The service manager's, which is told when the container's process says that it is ready: NOTIFY_SOCKET. */
  readonly notifySocket?: string;
  readonly log: Log;
}

/**
 * Lets a created container's init go on, and waits until it has become the container's program, or has failed to.
 *
 * @throws RuntimeFault in runc's words, or saying which step after the start failed.
 * @see runtime-spec runtime.md, Start
 */
export function startContainer({ root, id, notifySocket, log }: StartRequest): void {
  const record = readRecord(root, id);
  const directory = `${root}/${id}`;
  const status = containerStatus(record, directory);
  log.stage("state read");
  if (status !== "created") throw notCreated(status);
  const pidfd = openProcess(record.init_process_pid, record.init_process_start);
  if (pidfd === undefined) throw notCreated("stopped");
  const fifo = openFifo(`${directory}/${execFifoName}`, O_WRONLY);
  const result = openFifo(`${directory}/${resultFifoName}`, O_RDONLY);
  // Of several starts one speaks to init; the kernel lets go of the lock of one that is killed.
  const LOCK_EX = 2;
  syscall(SYS.flock, fifo, LOCK_EX);
  const notify = notifySocket === undefined ? undefined : notifying().openNotify(directory, notifySocket);
  const go = new Uint8Array([48]);
  // Nobody reads any more: another start was faster, or init has died.
  if (syscall(SYS.write, fifo, addressOf(go), 1) < 0) throw notCreated(containerStatus(record, directory));
  waitForExec(record, result, pidfd);
  log.stage("init has gone on: the container's program runs");
  tryUnlink(`${directory}/${execFifoName}`);
  tryUnlink(`${directory}/${resultFifoName}`);
  tryRmdir(`${directory}/${resultDirectoryName}`);
  if (record.hooks?.poststart?.length) runPoststart(record, pidfd, log);
  close(fifo);
  close(result);
  if (notify !== undefined) notifying().waitUntilReady(notify, record.init_process_pid, pidfd, log);
  close(pidfd);
}

function notifying(): typeof import("./notify.ts") {
  return require("./notify.ts") as typeof import("./notify.ts");
}

function notCreated(status: string): RuntimeFault {
  const what =
    status === "running"
      ? "cannot start an already running container"
      : status === "stopped"
        ? "cannot start a container that has stopped"
        : `cannot start a container in the ${status} state`;
  return new RuntimeFault({ what });
}

/** A FIFO that init holds open: without blocking, without following a link that somebody put there. */
function openFifo(path: string, flags: number): number {
  const fd = tryOpen(path, flags | O_NONBLOCK | O_NOFOLLOW);
  // Nobody has it open: init is gone. Nothing there: another start was faster.
  if (fd === -ENXIO) throw notCreated("stopped");
  if (fd === -ENOENT) throw notCreated("running");
  if (fd < 0) throw new RuntimeFault({ what: `exec fifo: open ${path}`, where: path, errno: -fd });
  if (fstat(fd).type !== S_IFIFO) {
    close(fd);
    throw new RuntimeFault({ what: `exec fifo: ${path} is not a FIFO`, where: path });
  }
  return fd;
}

const POLLIN = 1;
/** As the longest hook inside may run, see conversation.ts. */
const LIMIT_SECONDS = 330;

/** Init writes that it was started; then execve closes its end, or a failure is told. */
function waitForExec(record: ContainerRecord, result: number, pidfd: number): void {
  const pollfds = new Int32Array([result, POLLIN, pidfd, POLLIN]);
  const limit = new BigInt64Array([BigInt(LIMIT_SECONDS), 0n]);
  const words = new Int32Array(3);
  let started = false;
  // How a hook that has failed ended: the failure itself comes next.
  let hook = "";
  for (;;) {
    pollfds[1] = POLLIN;
    pollfds[3] = POLLIN;
    const polled = syscall(SYS.ppoll, addressOf(pollfds), 2, addressOf(limit), 0, 8);
    if (polled === -EINTR) continue;
    if (polled === 0)
      throw new RuntimeFault({ what: "container init did not execute its program in time", errno: 110 });
    const count = syscall(SYS.read, result, addressOf(words), 12);
    if (count === 12 && words[0] === Message.Started) {
      started = true;
    } else if (count === 12 && words[0] === Message.Failed) {
      throw failureAfterStart(record, words[1]!, -words[2]!, hook);
    } else if (count === 12) {
      hook = (require("../hooks/hook-ending.ts") as typeof import("../hooks/hook-ending.ts")).hookEnding(words[1]!);
    } else if (count === 0 || (count === -EAGAIN && pollfds[3]! >> 16 !== 0)) {
      // The end of a FIFO that nobody writes to any more: execve closed it. Or init died.
      if (started) return;
      throw notCreated(pollfds[3]! >> 16 !== 0 ? "stopped" : "running");
    }
  }
}

function failureAfterStart(record: ContainerRecord, address: number, errno: number, hook: string): RuntimeFault {
  const { kindOf } = require("../plan/step-kinds.ts") as typeof import("../plan/step-kinds.ts");
  const operation = (address - OPERATIONS_ADDRESS) / OPERATION_BYTES;
  let failed = record.after_start?.[0];
  for (const candidate of record.after_start ?? []) if (candidate.operation <= operation) failed = candidate;
  if (failed === undefined) return new RuntimeFault({ what: "container init failed after start", errno });
  const kind = kindOf(failed.step);
  return new RuntimeFault({
    what: (kind.failure?.(failed.step, errno) ?? `unable to ${kind.describe(failed.step)}`) + (hook && `: ${hook}`),
    where: failed.step.from,
    errno,
    hint: kind.hint?.(failed.step, errno),
  });
}

/** A failing poststart hook stops the container, as the specification wants it. */
export function runPoststart(record: ContainerRecord, pidfd: number, log: Log): void {
  const { runHostHooks } = require("../hooks/host-hooks.ts") as typeof import("../hooks/host-hooks.ts");
  try {
    runHostHooks("poststart", record.hooks!.poststart!, {
      ociVersion: specVersion,
      id: record.id,
      status: "running",
      pid: record.init_process_pid,
      bundle: record.bundle,
      annotations: record.annotations,
    });
  } catch (error) {
    const SIGKILL = 9;
    syscall(SYS.pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    log.debug("killed the container: its poststart hook failed");
    throw error;
  }
}
