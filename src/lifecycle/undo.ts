import { killAll } from "../cgroups/kill.ts";
import { removeCgroup } from "../cgroups/remove.ts";
import { RuntimeFault } from "../report/fault.ts";
import { removeDirectory } from "./delete.ts";
import { killAndReap } from "./reap.ts";
import type { SetUp } from "./set-up.ts";

/** What undoing has to know: of a create, or of a restore. */
export type Undoable = Pick<
  SetUp,
  "request" | "prepared" | "directory" | "cgroup" | "deviceMove" | "record" | "enterPid" | "initPid"
>;

/** Undoes a set-up that failed half-way: processes, cgroup, state, in that order; then the poststop hooks, as after a delete. */
export function undoSetUp(setUp: Undoable): void {
  const { request, prepared } = setUp;
  for (const pid of [setUp.enterPid, setUp.initPid]) killAndReap(pid);
  if (setUp.deviceMove !== undefined) {
    const { bringDevicesBack } = require("../network/move-devices.ts") as typeof import("../network/move-devices.ts");
    for (const failure of bringDevicesBack(setUp.deviceMove)) request.log.warn(failure);
  }
  if (setUp.cgroup !== undefined) {
    try {
      // Without a pid namespace of its own, what hooks left inside outlives init.
      if (!prepared.namespaces.privatePid) killAll(setUp.cgroup);
      removeCgroup(setUp.cgroup);
    } catch (error) {
      request.log.warn(error instanceof Error ? error.message : String(error));
    }
  }
  if (prepared.resctrl !== undefined) {
    try {
      (require("../resctrl/group.ts") as typeof import("../resctrl/group.ts")).undoGroup(prepared.resctrl);
    } catch (error) {
      request.log.warn(error instanceof Error ? error.message : String(error));
    }
  }
  if (prepared.hostMount !== undefined) {
    try {
      const { removeHostMounts } = require("./host-mounts.ts") as typeof import("./host-mounts.ts");
      removeHostMounts(request.root, setUp.record);
    } catch (error) {
      request.log.warn(error instanceof Error ? error.message : String(error));
    }
  }
  removeDirectory(setUp.directory);
  const { hooks, annotations, ociVersion } = prepared.bundle.config;
  if (hooks?.poststop === undefined) return;
  try {
    const { runHostHooks } = require("../hooks/host-hooks.ts") as typeof import("../hooks/host-hooks.ts");
    runHostHooks("poststop", hooks.poststop, {
      ociVersion,
      id: request.id,
      status: "stopped",
      bundle: prepared.bundle.directory,
      annotations,
    });
  } catch (error) {
    request.log.warn(error instanceof RuntimeFault ? error.message : String(error));
  }
}
