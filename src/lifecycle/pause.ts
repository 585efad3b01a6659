import { EACCES, EPERM } from "../../native-bindings/errno.ts";
import { freeze, freezerDirectory, thaw } from "../cgroups/freezer.ts";
import { holdsRuntime } from "../cgroups/processes.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { containerStatus } from "../state/status.ts";
import { notRunning } from "./kill.ts";

/**
 * Stops all processes of a container where they are.
 *
 * @throws RuntimeFault "container not running" unless it is created or running, also when it is paused already.
 */
export function pauseContainer(root: string, id: string): void {
  const record = readRecord(root, id);
  const status = containerStatus(record, `${root}/${id}`);
  if (status !== "running" && status !== "created") throw notRunning(id);
  toggle(record, (cgroup, directory) => {
    // Nobody would be left to resume it.
    if (holdsRuntime(directory)) {
      throw new RuntimeFault({
        what: "unable to freeze: the runtime itself is in the container's cgroup",
        where: directory,
      });
    }
    freeze(cgroup);
  });
}

/**
 * Lets the processes of a paused container go on.
 *
 * @throws RuntimeFault "container not paused"
 */
export function resumeContainer(root: string, id: string): void {
  const record = readRecord(root, id);
  if (containerStatus(record, `${root}/${id}`) !== "paused") {
    throw new RuntimeFault({ what: "container not paused", value: id });
  }
  toggle(record, thaw);
}

function toggle({ cgroup }: ContainerRecord, act: (cgroup: CgroupRecord, directory: string) => void): void {
  const directory = cgroup === undefined ? undefined : freezerDirectory(cgroup);
  if (directory === undefined) {
    throw new RuntimeFault({ what: "cannot toggle freezer: cgroups not configured for container" });
  }
  try {
    act(cgroup!, directory);
  } catch (error) {
    const { facts } = asFault(error, "cannot toggle freezer", directory);
    const denied = facts.errno === EACCES || facts.errno === EPERM;
    throw new RuntimeFault({ ...facts, hint: denied ? "the caller may lack full access to cgroups" : facts.hint });
  }
}
