import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { sayGo } from "./conversation.ts";
import type { SetUp } from "./set-up.ts";
import { forwardSignalsTo } from "./supervise.ts";

/**
 * Under run nobody else starts the container: init goes on as soon as it is ready, while the rest is written down.
 *
 * @param foreground this command stays: the terminal and signals to it are the container's.
 * @returns a pidfd of init.
 */
export function letGo(setUp: SetUp, sync: number, foreground: boolean): number {
  const pidfd = syscall(SYS.pidfd_open, setUp.initPid, 0);
  if (setUp.console !== undefined) {
    const { receiveTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    setUp.console = receiveTerminal(setUp.console);
  }
  // Before the program runs: a signal that ended this process then would leave it behind.
  if (foreground) forwardSignalsTo(pidfd, setUp.console !== undefined);
  sayGo(sync);
  setUp.request.log.stage("init told to go on");
  return pidfd;
}
