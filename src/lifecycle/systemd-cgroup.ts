/** `--systemd-cgroup`: the container's cgroup as a unit of the machine's or the user's service manager. */
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import type { Config } from "../bundle/config.ts";
import type { CgroupPlan, CgroupRequest } from "../cgroups/plan.ts";
import { planUnit } from "../cgroups/systemd/plan-unit.ts";
import { ServiceManager } from "../cgroups/systemd/service-manager.ts";

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
    owner: request.owner,
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
