/** Descriptors that only some programs are given. */
import { SOCK_STREAM } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { socketPair } from "../../native-bindings/unix-socket.ts";
import { mapMountIds, openMountSource } from "../host/open-mount-source.ts";
import type { BindMount } from "../plan/steps/bind-mount.ts";
import { connectConsole } from "./connect-console.ts";
import { mountUserNamespace } from "./mount-user-namespace.ts";
import type { SetUp } from "./set-up.ts";

/** Opens what the plan calls `name`. @throws RuntimeFault */
export function openGiven(name: string, setUp: SetUp): number {
  if (name === "console") return openConsole(setUp);
  for (const step of setUp.compiled.steps) {
    if (step.kind === "bind-mount" && (step as BindMount).given === name) {
      return openMountSource(step as BindMount, () => mountUserNamespace(step as BindMount, setUp));
    }
  }
  throw new Error(`the plan wants a descriptor that nobody opens: ${name}`);
}

/** Maps the ids of a mount that init shows before it attaches it. @param fd is closed. @throws RuntimeFault naming the mount. */
export function mapShown(setUp: SetUp, index: number, fd: number): void {
  try {
    for (const step of setUp.compiled.steps) {
      if (step.kind !== "bind-mount" || step.from !== `/mounts/${index}`) continue;
      mapMountIds(step as BindMount, fd, mountUserNamespace(step as BindMount, setUp));
      return;
    }
    throw new Error(`the program wants a mount id-mapped that is not in the plan: ${index}`);
  } finally {
    close(fd);
  }
}

/** The socket that the console's master is sent through: the caller's, or one of our own under run. */
function openConsole(setUp: SetUp): number {
  const { request, prepared } = setUp;
  if (request.consoleSocket === undefined) {
    const [ours, programs] = socketPair(SOCK_STREAM);
    setUp.console = ours;
    return programs;
  }
  const path = request.consoleSocket.startsWith("/")
    ? request.consoleSocket
    : `${prepared.bundle.directory}/${request.consoleSocket}`;
  return connectConsole(path);
}
