import { PR_SET_CHILD_SUBREAPER } from "../../native-bindings/constants.ts";
import { errnoText } from "../../native-bindings/errno.ts";
import { close } from "../../native-bindings/files.ts";
import { ownPid, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { Message } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { hear } from "./conversation.ts";
import type { CreateRequest } from "./create-request.ts";
import { destroyContainer } from "./delete.ts";
import type { Notify } from "./notify.ts";
import { programFailure } from "./program-failure.ts";
import { type SetUpContainer, setUpContainer } from "./set-up.ts";
import { runPoststart } from "./start.ts";
import { supervise, type Watched } from "./supervise.ts";

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
  const { record, pid, pidfd, sync } = container;
  try {
    waitForExec(container);
    request.log.stage("the container's program runs");
    if (record.hooks?.poststart?.length) runPoststart(record, pidfd, request.log);
  } catch (error) {
    // What a startContainer hook has said on the container's terminal.
    if (container.console !== undefined) {
      const { showWritten } = require("../console/copy-both-ways.ts") as typeof import("../console/copy-both-ways.ts");
      showWritten(container.console);
    }
    destroy(request, container);
    throw error;
  }
  close(sync);
  const { notify } = container;
  if (request.detach) {
    if (notify !== undefined) notifying().waitUntilReady(notify, pid, pidfd, request.log);
    return 0;
  }
  const status = supervise({ pid, pidfd, console: container.console, also: notify && watchNotify(notify, request) });
  if (request.log.debugging) request.log.stage(`the container's program has ended, exit status ${status}`);
  if (!request.keep) destroy(request, container);
  return status;
}

function notifying(): typeof import("./notify.ts") {
  return require("./notify.ts") as typeof import("./notify.ts");
}

/** The service's main process is this one: it stays, and its exit status is the program's. */
function watchNotify(notify: Notify, { log }: RunRequest): Watched {
  const look = () => {
    try {
      notifying().passOnReady(notify, ownPid());
    } catch (error) {
      log.warn(error instanceof Error ? error.message : String(error));
    }
  };
  return { fd: notify.inside, look };
}

/** End of file means that execve has closed the program's end. */
function waitForExec({ sync, compiled }: SetUpContainer): void {
  let detail = "";
  for (;;) {
    const heard = hear(sync, false);
    if (heard.kind === undefined) return;
    if (heard.kind === Message.HookStatus) {
      detail = (require("../hooks/hook-ending.ts") as typeof import("../hooks/hook-ending.ts")).hookEnding(heard.first);
    } else if (heard.kind === Message.Failed) {
      throw notExecuted(programFailure(compiled, heard.first, -heard.second, detail));
    }
  }
}

const EXECUTE_FAILED = "unable to start container process: error during container init: exec ";

/**
 * As with runc, whose init has nobody left to tell it to: when it is execve itself that failed, its line is all that is told to who
 * looks at standard error, and the status is 255.
 */
function notExecuted(fault: RuntimeFault): RuntimeFault {
  const { what, errno } = fault.facts;
  if (!what.startsWith(EXECUTE_FAILED)) return fault;
  const told = what.slice(EXECUTE_FAILED.length - "exec ".length);
  const reason = errnoText(errno!);
  return new RuntimeFault({
    ...fault.facts,
    line: told.endsWith(reason) ? told : `${told}: ${reason}`,
    exitCode: 255,
  });
}

function destroy(request: RunRequest, { record }: SetUpContainer): void {
  try {
    destroyContainer(request.root, record, request.log);
  } catch (error) {
    request.log.warn(error instanceof RuntimeFault ? error.message : String(error));
  }
}
