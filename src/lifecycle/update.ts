import type { LinuxResources } from "../bundle/config.ts";
import { applyUpdate } from "../cgroups/apply-update.ts";
import { applyWrites } from "../cgroups/apply-writes.ts";
import { refuseLimitBelowUsage } from "../cgroups/check-usage.ts";
import { completeUpdate } from "../cgroups/complete-update.ts";
import { resourceWrites } from "../cgroups/plan.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { ResourceWrite } from "../cgroups/resource-write.ts";
import { withRoundedQuota } from "../cgroups/systemd/resource-properties.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { readRecord } from "../state/container-record.ts";
import { containerStatus } from "../state/status.ts";
import { notRunning } from "./kill.ts";
import { type RequestedSchemas, schemaUpdate } from "./update-schemas.ts";

/** What `update` is asked for. */
export interface RequestedLimits extends RequestedSchemas {
  readonly resources: LinuxResources;
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
  const schemas = schemaUpdate(record, asked);
  const status = containerStatus(record, `${root}/${id}`);
  if (status === "stopped" || status === "creating") throw notRunning(id);
  const cgroup: CgroupRecord = record.cgroup ?? { driver: "cgroupfs", mode: "v1", paths: {}, made: [] };
  inTermsOf(asked, () => {
    const resources = completeUpdate(asked.resources, cgroup);
    let writes = resourceWrites(resources, cgroup.mode);
    if (resources.memory !== undefined) refuseLimitBelowUsage(cgroup, resources.memory);
    if (cgroup.unit !== undefined) writes = withRoundedQuota(writes);
    const undo = applyUpdate(cgroup.paths, writes, (line) => log.warn(line));
    try {
      schemas?.();
      if (cgroup.unit !== undefined) tellSystemd(cgroup, writes);
    } catch (error) {
      undo();
      throw error;
    }
  });
}

/** What the kernel has taken. systemd writes other files of the same controllers with it, as it knows them: so once more. */
function tellSystemd(cgroup: CgroupRecord, writes: readonly ResourceWrite[]): void {
  const { updateUnit } = require("../cgroups/systemd/tend-unit.ts") as typeof import("../cgroups/systemd/tend-unit.ts");
  updateUnit(cgroup, writes);
  applyWrites(cgroup.paths, writes);
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
