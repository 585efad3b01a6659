import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { putReplacement } from "../state/container-record.ts";
import { sayGo } from "./conversation.ts";
import type { SetUp } from "./set-up.ts";
import { forwardSignalsTo, releaseSignals } from "./supervise.ts";

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
 * Says to init that it may go on when it is ready, so that neither waits for the other then. Who it is must be written down before.
 */
export function letGoUnready(setUp: SetUp, sync: number): void {
  putReplacement(setUp.request.root, setUp.request.id);
  sayGo(sync);
  setUp.isLetGo = true;
  setUp.request.log.stage("init told to go on when it is ready");
}

/** Under run nobody else starts the container: init, which is ready, goes on. */
export function letGo(setUp: SetUp, sync: number): void {
  if (setUp.console !== undefined) {
    const { receiveTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    setUp.console = receiveTerminal(setUp.console);
  }
  if (!setUp.isLetGo) {
    sayGo(sync);
    setUp.request.log.stage("init told to go on");
  }
  if (setUp.startedBy === "foreground run") releaseSignals();
}
