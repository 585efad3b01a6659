import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isRoot } from "./ordinary-user.ts";

/** RUNTS_TEST_GLOBAL_OPTIONS is what every call of the runtime gets before its command: "--systemd-cgroup". */
export const globalOptions = (process.env.RUNTS_TEST_GLOBAL_OPTIONS ?? "").split(" ").filter((option) => option !== "");

/** True when systemd makes the containers' cgroups: scopes in system.slice, or in user.slice of the user's manager. Else they are
 * right below the hierarchies' roots, an ordinary user's beside the tests' own. */
export const bySystemd = globalOptions.includes("--systemd-cgroup");

/** By which an ordinary user's calls find the service manager that makes those cgroups. */
export const session: Record<string, string> =
  bySystemd && !isRoot
    ? {
        XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? "",
        DBUS_SESSION_BUS_ADDRESS: process.env.DBUS_SESSION_BUS_ADDRESS ?? "",
      }
    : {};

export const hasCgroupV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

const ownCgroup = hasCgroupV2 ? readFileSync("/proc/self/cgroup", "utf8").trim().slice("0::".length) : "/";
const slice = isRoot ? "system.slice" : "user.slice";

/** Where the slice is, or the cgroups that are named by paths. */
const place = parentCgroup();

function parentCgroup(): string {
  if (bySystemd) return isRoot ? "/" : ownCgroup.slice(0, ownCgroup.indexOf(".service/") + ".service".length);
  return isRoot ? "/" : dirname(ownCgroup);
}

/** Whether containers have cgroups of their own: an ordinary user's do where one is delegated to them. */
export const mayMakeCgroups = isRoot || (hasCgroupV2 && (bySystemd || isWritable(join("/sys/fs/cgroup", place))));

function isWritable(directory: string): boolean {
  try {
    accessSync(join(directory, "cgroup.procs"), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** `linux.cgroupsPath` of a test's container. */
export function cgroupsPathOf(id: string): string | undefined {
  if (bySystemd) return `${slice}:test:${id}`;
  return mayMakeCgroups ? join(place, id) : undefined;
}

/** The cgroup of a container with that path, as /proc/PID/cgroup has it. */
export const cgroupOf = (id: string): string => (bySystemd ? join(place, slice, `test-${id}.scope`) : join(place, id));

/** Its directory; on v1 in that controller's hierarchy. */
export const cgroupDirectory = (id: string, controller: string): string =>
  join("/sys/fs/cgroup", hasCgroupV2 ? "" : controller, cgroupOf(id));
