import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { sayGo } from "./conversation.ts";
import type { SetUp } from "./set-up.ts";
import { forwardSignalsTo, releaseSignals } from "./supervise.ts";

/** Under run, while init is busy: what standing by its process needs. Signals are held, so none is lost meanwhile. */
export function standBy(setUp: SetUp): void {
  setUp.initPidfd = syscall(SYS.pidfd_open, setUp.initPid, 0);
  if (setUp.startedBy === "foreground run") forwardSignalsTo(setUp.initPidfd, setUp.console !== undefined);
}

/** Under run nobody else starts the container: init goes on as soon as it is ready, while the rest is written down. */
export function letGo(setUp: SetUp, sync: number): void {
  if (setUp.console !== undefined) {
    const { receiveTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    setUp.console = receiveTerminal(setUp.console);
  }
  sayGo(sync);
  if (setUp.startedBy === "foreground run") releaseSignals();
  setUp.request.log.stage("init told to go on");
}
