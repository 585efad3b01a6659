/** The status of a container, computed from what is there now. */
import { exists } from "../../native-bindings/files.ts";
import { isFrozen } from "../cgroups/freezer.ts";
import type { ContainerRecord } from "./container-record.ts";
import { isAlive } from "./process-identity.ts";

export type ContainerStatus = "creating" | "created" | "running" | "paused" | "stopped";

/** The FIFO on which init waits for `start`. It is there for as long as the container has not been started. */
export const execFifoName = "exec.fifo";

/**
 * On which init tells start how it went. Of the same name, in a directory of its own: those who look through a created container's
 * descriptors for what leaked, as runc's own tests do, know by that name that it is closed before the container's program runs.
 */
export const resultDirectoryName = "started";
export const resultFifoName = "started/exec.fifo";

/**
 * @param directory the container's directory below the state root.
 * @see runtime-spec runtime.md, State
 */
export function containerStatus(record: ContainerRecord, directory: string): ContainerStatus {
  if (record.status === "creating") {
    // A creator that was killed leaves a container that only delete can still do something with.
    return isAlive(record.creator_pid ?? 0, record.creator_start ?? 0) ? "creating" : "stopped";
  }
  // As runc, frozen first: a frozen container whose init is dying is still paused.
  if (record.cgroup !== undefined && isFrozen(record.cgroup)) return "paused";
  if (!isAlive(record.init_process_pid, record.init_process_start)) return "stopped";
  return exists(`${directory}/${execFifoName}`) ? "created" : "running";
}
