import { applyWrites } from "../cgroups/apply-writes.ts";
import type { CgroupPlan } from "../cgroups/plan.ts";
import type { PreparedStart } from "./prepare-start.ts";
import type { SetUp } from "./set-up.ts";

/**
 * True when the process that clones init is in the container's cgroup, too, and a pids limit would leave it no room for that: one
 * process is all that is allowed.
 */
export function enterNeedsRoom({ bundle, namespaces, plan, cgroup }: PreparedStart): boolean {
  const limit = bundle.config.linux?.resources?.pids?.limit;
  if (limit !== 0 && limit !== 1) return false;
  // systemd makes a unit for a process that is there.
  if (cgroup.unit !== undefined) return true;
  return plan.awaitsCgroup && (namespaces.newUser || namespaces.joined.length > 0);
}

/** The cgroup's plan, with room for two if need be until {@link takeRoomBack}: both are our own program. */
export function withRoom(prepared: PreparedStart): CgroupPlan {
  const plan = prepared.cgroup;
  if (!enterNeedsRoom(prepared)) return plan;
  const writes = plan.writes.map((write) => (write.file === "pids.max" ? { ...write, value: "2" } : write));
  return { ...plan, writes };
}

/** Puts the limit itself into force, once there is only init. @throws RuntimeFault */
export function takeRoomBack({ prepared, cgroup }: SetUp): void {
  const writes = prepared.cgroup.writes.filter(({ file }) => file === "pids.max");
  applyWrites(cgroup!.paths, writes);
  if (prepared.cgroup.unit === undefined) return;
  const { updateUnit } = require("../cgroups/systemd/tend-unit.ts") as typeof import("../cgroups/systemd/tend-unit.ts");
  updateUnit(cgroup!, writes);
}
