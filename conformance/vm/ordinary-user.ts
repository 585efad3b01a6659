/** Which tests an ordinary user runs inside the machine, and how. */
import type { Unit } from "./passes.ts";

/** What ordinary users can't do, and tests that become a user by themselves. */
const rootsOnly = [
  ...["checkpoint", "hostile-neighbours", "leftovers", "net-devices", "rootless", "rootless-session", "systemd"],
  ...[
    "bind-flags",
    "cgroups",
    "cgroups-v2",
    "checkpoint-protocol",
    "exec-containers",
    "mount-inside",
    "propagation",
    "security-labels",
    "user-namespace",
  ],
];

export const mayRun = (area: string): boolean => !rootsOnly.includes(area);

/** What the containers of a user without a cgroup of their own have to do as others do. */
export const withoutCgroup = ["exec", "foreground", "hooks", "lifecycle", "mounts", "namespaces", "process", "rootfs"];

const asUser = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"];
const delegated = ["systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes", "--"];
/** What a login makes of the environment. */
const usersEnv = {
  HOME: "/home/user",
  USER: "user",
  XDG_RUNTIME_DIR: "/run/user/1000",
  DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/user/1000/bus",
};

/** In a scope of the user's service manager: the containers' cgroups are beside it, or made by that manager. */
export const inSession = (unit: Unit): Unit => by(unit, [...asUser, ...delegated]);

/** In a cgroup of the machine's. */
export const alone = (unit: Unit): Unit => by(unit, asUser);

function by(unit: Unit, through: readonly string[]): Unit {
  return { ...unit, argv: [...through, ...unit.argv], env: { ...unit.env, ...usersEnv } };
}
