import { CLONE_NEWNET } from "./constants.ts";
import { close, O_RDONLY, open } from "./files.ts";
import { syscall } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { SystemError } from "./system-error.ts";

/**
 * Does something with this thread in another network namespace: what is made there (a socket) stays there. setns(2).
 *
 * @throws SystemError when the namespace can't be joined, or not be left again: then nothing may go on in this process.
 */
export function inNetworkNamespace<T>(namespace: number, action: () => T): T {
  const own = open("/proc/thread-self/ns/net", O_RDONLY);
  try {
    const joined = syscall(SYS.setns, namespace, CLONE_NEWNET);
    if (joined < 0) throw new SystemError("setns", "CLONE_NEWNET", -joined);
    try {
      return action();
    } finally {
      const back = syscall(SYS.setns, own, CLONE_NEWNET);
      // biome-ignore lint/correctness/noUnsafeFinally: whatever else failed, this is worse
      if (back < 0) throw new SystemError("setns", "CLONE_NEWNET, the runtime's own", -back);
    }
  } finally {
    close(own);
  }
}
