/** `--systemd-cgroup`: the container's cgroup as a unit of the machine's or the user's service manager. */
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import type { Config } from "../bundle/config.ts";
import type { CgroupPlan, CgroupRequest } from "../cgroups/plan.ts";
import { planUnit } from "../cgroups/systemd/plan-unit.ts";
import { ServiceManager } from "../cgroups/systemd/service-manager.ts";
import { hostId } from "./host-id.ts";

/**
 * @returns the plan, nothing being made yet.
 * @throws RuntimeFault where there is no such service manager, and for a path or limits that can't be a unit's.
 */
export function planForManager(request: CgroupRequest, config: Config): CgroupPlan {
  // Who is root in a user namespace only is an ordinary user to systemd.
  const user = syscall(SYS.geteuid) !== 0 || !inFirstUserNamespace();
  return planUnit({
    ...request,
    annotations: config.annotations,
    user,
    managerGroup: managerGroup(user),
    owner: request.layout.mode === "v2" ? ownerOf(config) : undefined,
  });
}

/** Also the question whether there is a service manager: before anything is made. */
function managerGroup(user: boolean): string {
  const manager = ServiceManager.connect(user);
  try {
    return user ? manager.controlGroup() : "";
  } finally {
    manager.close();
  }
}

/** With a cgroup namespace of its own and its files to be written to, the container's user has its cgroup for itself. */
function ownerOf(config: Config): number | undefined {
  const own = config.linux?.namespaces?.some(({ type, path }) => type === "cgroup" && !path);
  const mount = config.mounts?.find(({ destination }) => destination === "/sys/fs/cgroup");
  if (!own || mount === undefined || mount.options?.includes("ro")) return undefined;
  return hostId(config, config.process?.user?.uid ?? 0);
}
