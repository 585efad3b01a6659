import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { putReplacement } from "../state/container-record.ts";
import { sayGo } from "./conversation.ts";
import type { SetUp } from "./set-up.ts";
import { forwardSignalsTo } from "./supervise.ts";

/** Under run, while init is busy: what standing by its process needs. Signals are held, so none is lost meanwhile. */
export function standBy(setUp: SetUp): void {
  setUp.initPidfd = syscall(SYS.pidfd_open, setUp.initPid, 0);
  if (setUp.startedBy === "foreground run") forwardSignalsTo(setUp.initPidfd, setUp.console !== undefined);
}

/** True under run when init asks for nothing, and nothing is to be done for it between its being ready and its program. */
export function needsNoWaiting({ startedBy, prepared, console }: SetUp): boolean {
  return (
    startedBy !== "start" &&
    !prepared.plan.asks &&
    prepared.hostMount === undefined &&
    prepared.rlimitsByRuntime.length === 0 &&
    console === undefined
  );
}

/**
 * Under run nobody else starts the container: init is told to go on, at once or as soon as it is ready. Who it is, is written down
 * before: were this process killed while the container's program begins, nothing else would tell.
 */
export function letGo(setUp: SetUp, sync: number): void {
  putReplacement(setUp.request.root, setUp.request.id);
  if (setUp.console !== undefined) {
    const { receiveTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    setUp.console = receiveTerminal(setUp.console);
  }
  sayGo(sync);
  setUp.isLetGo = true;
  setUp.request.log.stage("init told to go on");
}
