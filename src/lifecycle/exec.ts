import { close } from "../../native-bindings/files.ts";
import { firstPlacement } from "./exec-placement.ts";
import type { ExecRequest } from "./exec-request.ts";
import { socketPath } from "./exec-socket-path.ts";
import { type ExecTarget, openExecTarget } from "./exec-target.ts";
import { prepareExec } from "./prepare-exec.ts";
import { killAndReap } from "./reap.ts";
import { type StartedExec, startExec } from "./start-exec.ts";
import { supervise } from "./supervise.ts";
import { writePidFile } from "./write-pid-file.ts";

export type { ExecRequest };

/**
 * Runs a further process in a container, and unless detached stays until it ends.
 *
 * @returns its exit status, 128 + the signal that killed it, or 0 when detached.
 * @throws RuntimeFault; then nothing is left of it.
 */
export function execInContainer(request: ExecRequest): number {
  if (request.preserveFds > 0) {
    (require("./activation.ts") as typeof import("./activation.ts")).checkPreserved(3, request.preserveFds);
  }
  const target = openExecTarget(request);
  request.log.stage("state and config.json read");
  let started: StartedExec;
  try {
    const placement = firstPlacement(request, target);
    const prepared = prepareExec(request, target);
    request.log.stage("process planned");
    started = startExec(request, target, prepared, placement);
    if (request.log.debugging) request.log.stage(`the process runs, pid ${started.pid}`);
  } finally {
    close(target.pidfd);
  }
  try {
    tellCaller(request, target, started.pid);
  } catch (error) {
    killAndReap(started.pid);
    throw error;
  }
  if (request.detach) return 0;
  const status = supervise(started);
  if (request.log.debugging) request.log.stage(`the process has ended, exit status ${status}`);
  return status;
}

/** Once it runs: callers take the pid file for a sign of that. */
function tellCaller(request: ExecRequest, { record }: ExecTarget, pid: number): void {
  if (request.pidfdSocket !== undefined) {
    const { sendPidfd } = require("./activation.ts") as typeof import("./activation.ts");
    sendPidfd(socketPath(request, request.pidfdSocket, record.bundle), pid, "setns");
  }
  if (request.pidFile !== undefined) writePidFile(request.pidFile, pid);
}
