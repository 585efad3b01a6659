import { POLLIN } from "../../native-bindings/constants.ts";
import { close, exists, O_CLOEXEC, O_NONBLOCK, O_RDONLY, open, tryWriteExisting } from "../../native-bindings/files.ts";
import { addressOf, syscall, syscallRetry, text } from "../../native-bindings/libc.ts";
import { POLLPRI, type PollRequest } from "../../native-bindings/poll.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { CgroupRecord } from "./record.ts";

/** Tells when the kernel kills a process of the container for want of memory. */
export interface OomWatch {
  /** What to wait for before asking. */
  readonly request: PollRequest;
  /** True when it has happened since this was last asked. Does not wait. */
  happened(): boolean;
}

/**
 * Begins to watch.
 *
 * @throws RuntimeFault when the container has no memory cgroup; SystemError when the kernel does not notify.
 */
export function watchOom(record: CgroupRecord): OomWatch {
  const directory = record.paths[record.mode === "v2" ? "" : "memory"];
  if (directory === undefined) throw new RuntimeFault({ what: "memory controller missing" });
  return record.mode === "v2" ? watchUnified(directory) : watchV1(directory);
}

/** An eventfd that the kernel adds to, Documentation/admin-guide/cgroup-v1/memory.rst section 10. */
function watchV1(directory: string): OomWatch {
  const control = `${directory}/cgroup.event_control`;
  const file = open(`${directory}/memory.oom_control`, O_RDONLY);
  const eventfd = syscall(SYS.eventfd2, 0, O_CLOEXEC | O_NONBLOCK);
  if (eventfd < 0) throw new SystemError("eventfd2", "0, EFD_CLOEXEC|EFD_NONBLOCK", -eventfd);
  const result = tryWriteExisting(control, `${eventfd} ${file}`);
  close(file);
  if (result < 0) {
    close(eventfd);
    throw new SystemError("write", JSON.stringify(control), -result);
  }
  const count = new BigUint64Array(1);
  return {
    request: { fd: eventfd, events: POLLIN },
    // The end of the cgroup is told in the same way.
    happened: () => syscallRetry(SYS.read, eventfd, addressOf(count), 8) === 8 && exists(control),
  };
}

/** memory.events changes for many reasons, and the kernel may be slow to say so: what is told is that it counts more kills. */
function watchUnified(directory: string): OomWatch {
  const fd = open(`${directory}/memory.events`, O_RDONLY);
  const bytes = new Uint8Array(4096);
  const kills = () => {
    const length = syscallRetry(SYS.pread64, fd, addressOf(bytes), bytes.length, 0);
    return length < 0 ? undefined : oomKills(text(bytes.subarray(0, length)));
  };
  let seen = kills() ?? 0;
  return {
    request: { fd, events: POLLPRI },
    happened: () => {
      const now = kills();
      if (now === undefined || now <= seen) return false;
      seen = now;
      return true;
    },
  };
}

/** The count in the text of memory.events. */
export function oomKills(content: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(content)?.[1] ?? 0);
}
