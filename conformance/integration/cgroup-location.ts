import { existsSync } from "node:fs";
import { join } from "node:path";

/** RUNTS_TEST_GLOBAL_OPTIONS is what every call of the runtime gets before its command: "--systemd-cgroup". */
export const globalOptions = (process.env.RUNTS_TEST_GLOBAL_OPTIONS ?? "").split(" ").filter((option) => option !== "");

/** True when systemd makes the containers' cgroups: scopes in system.slice. Else they are right below the hierarchies' roots. */
export const bySystemd = globalOptions.includes("--systemd-cgroup");

export const hasCgroupV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

/** `linux.cgroupsPath` of a test's container. */
export const cgroupsPathOf = (id: string): string => (bySystemd ? `system.slice:test:${id}` : `/${id}`);

/** The cgroup of a container with that path, as /proc/PID/cgroup has it. */
export const cgroupOf = (id: string): string => (bySystemd ? `/system.slice/test-${id}.scope` : `/${id}`);

/** Its directory; on v1 in that controller's hierarchy. */
export const cgroupDirectory = (id: string, controller: string): string =>
  join("/sys/fs/cgroup", hasCgroupV2 ? "" : controller, cgroupOf(id));
