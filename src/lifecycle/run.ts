import { PR_SET_CHILD_SUBREAPER } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { Message } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { hear } from "./conversation.ts";
import type { CreateRequest } from "./create-request.ts";
import { destroyContainer } from "./delete.ts";
import { programFailure } from "./program-failure.ts";
import { type SetUpContainer, setUpContainer } from "./set-up.ts";
import { runPoststart } from "./start.ts";
import { forwardSignalsTo, supervise } from "./supervise.ts";

export interface RunRequest extends CreateRequest {
  readonly detach: boolean;
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

/**
 * Creates a container, starts it, and unless detached stays until it ends and deletes it.
 *
 * The exec FIFO is left out: the same process creates and starts, so it says "start" through the sync socket.
 *
 * @returns the exit status of the container's program, 128 + the signal that killed it, or 0 when detached.
 * @throws RuntimeFault.
 */
export function runContainer(request: RunRequest): number {
  // What the container's program leaves behind when it ends becomes ours to reap (its init is our child anyhow).
  if (!request.detach && !request.noSubreaper) syscall(SYS.prctl, PR_SET_CHILD_SUBREAPER, 1);
  return startAndStay(request, setUpContainer(request, "sync", request.detach));
}

function startAndStay(request: RunRequest, container: SetUpContainer): number {
  const { record, pid, sync } = container;
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  try {
    if (!request.detach) forwardSignalsTo(pidfd, container.console !== undefined);
    waitForExec(container);
    if (record.hooks?.poststart?.length) runPoststart(record, pidfd, request.log);
  } catch (error) {
    destroy(request, container);
    throw error;
  }
  close(sync);
  if (request.detach) return 0;
  const status = supervise(pid, pidfd, container.console);
  if (!request.keep) destroy(request, container);
  return status;
}

/** End of file means that execve has closed the program's end. */
function waitForExec({ sync, compiled }: SetUpContainer): void {
  for (;;) {
    const heard = hear(sync, false);
    if (heard.kind === undefined) return;
    if (heard.kind === Message.Failed) throw programFailure(compiled, heard.first, -heard.second);
  }
}

function destroy(request: RunRequest, { record }: SetUpContainer): void {
  try {
    destroyContainer(request.root, record, request.log);
  } catch (error) {
    request.log.warn(error instanceof RuntimeFault ? error.message : String(error));
  }
}
