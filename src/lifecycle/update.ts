import { exists } from "../../native-bindings/files.ts";
import type { LinuxResources } from "../bundle/config.ts";
import { applyUpdate } from "../cgroups/apply-update.ts";
import { refuseLimitBelowUsage } from "../cgroups/check-usage.ts";
import { completeUpdate } from "../cgroups/complete-update.ts";
import { resourceWrites } from "../cgroups/plan.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { readRecord } from "../state/container-record.ts";
import { containerStatus } from "../state/status.ts";
import { notRunning } from "./kill.ts";

/** What `update` is asked for. */
export interface RequestedLimits {
  readonly resources: LinuxResources;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  /** What the caller knows the field at a pointer below linux.resources as: an option, or that pointer. */
  nameOf(pointer: string): string;
}

export interface UpdateRequest {
  /** The state root, absolute. */
  readonly root: string;
  readonly id: string;
  /** Called when it is known that there is such a container. */
  readonly limits: () => RequestedLimits;
  readonly log: Log;
}

/**
 * Changes the limits of a container that is there, in its cgroup. What is not asked for stays as it is, device rules too.
 *
 * What is in force is read from the kernel, not remembered: somebody else may have changed it.
 *
 * @throws RuntimeFault "container not running" when it is stopped; when a limit is refused, all are as before.
 */
export function updateContainer({ root, id, limits, log }: UpdateRequest): void {
  const record = readRecord(root, id);
  const asked = limits();
  refuseRdt(asked);
  const status = containerStatus(record, `${root}/${id}`);
  if (status === "stopped" || status === "creating") throw notRunning(id);
  const cgroup: CgroupRecord = record.cgroup ?? { driver: "cgroupfs", mode: "v1", paths: {}, made: [] };
  inTermsOf(asked, () => {
    const resources = completeUpdate(asked.resources, cgroup);
    const writes = resourceWrites(resources, cgroup.mode);
    if (resources.memory !== undefined) refuseLimitBelowUsage(cgroup, resources.memory);
    applyUpdate(cgroup.paths, writes, (line) => log.warn(line));
  });
}

const RESOURCES = "/linux/resources";

/** Faults speak of config.json, which the caller did not write. */
function inTermsOf(asked: RequestedLimits, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof RuntimeFault) || !error.facts.where?.startsWith(`${RESOURCES}/`)) throw error;
    throw new RuntimeFault({ ...error.facts, where: asked.nameOf(error.facts.where.slice(RESOURCES.length)) });
  }
}

/** Every option is known by the name of what it needs: resource control is a feature of some processors. */
function refuseRdt({ l3CacheSchema, memBwSchema }: RequestedLimits): void {
  const hint = "resctrl is not mounted on /sys/fs/resctrl, or this processor does not have it";
  if (l3CacheSchema !== undefined && !exists("/sys/fs/resctrl/info/L3")) {
    throw new RuntimeFault({ what: "Intel RDT/CAT: l3 cache schema is not enabled", where: "--l3-cache-schema", hint });
  }
  if (memBwSchema !== undefined && !exists("/sys/fs/resctrl/info/MB")) {
    throw new RuntimeFault({
      what: "Intel RDT/MBA: memory bandwidth schema is not enabled",
      where: "--mem-bw-schema",
      hint,
    });
  }
  if (l3CacheSchema === undefined && memBwSchema === undefined) return;
  throw new RuntimeFault({ what: "updating a non-existent Intel RDT configuration is not supported" });
}
