import { close } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { type ContainerState, handOverListener } from "../seccomp/notify.ts";

/**
 * Takes a seccomp listener out of the process that loaded the filter, which never sees the agent, and hands it over.
 * pidfd_getfd(2).
 *
 * @param descriptor its number there.
 * @throws RuntimeFault, SystemError
 */
export function takeListener(pid: number, descriptor: number, seccomp: LinuxSeccomp, state: ContainerState): void {
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  const listener = syscall(SYS.pidfd_getfd, pidfd, descriptor, 0);
  if (pidfd >= 0) close(pidfd);
  if (listener < 0) throw new SystemError("pidfd_getfd", `the process's descriptor ${descriptor}`, -listener);
  try {
    const { listenerPath, listenerMetadata } = seccomp;
    handOverListener({ listenerPath: listenerPath!, listenerMetadata, pid, state }, listener);
  } finally {
    close(listener);
  }
}
