import type { Config } from "../bundle/config.ts";
import { hostId } from "./host-id.ts";

/**
 * Whose the container's cgroup is to be: with a cgroup namespace of its own and a cgroup2 file system that may be written, that
 * of the user of its program. The specification has it so for version 2 only.
 *
 * @returns a host uid, or undefined when the cgroup stays the caller's.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#cgroup-ownership
 */
export function cgroupOwner(config: Config): number | undefined {
  let own = false;
  for (const { type, path } of config.linux?.namespaces ?? []) if (type === "cgroup" && !path) own = true;
  if (!own) return undefined;
  for (const { destination, type, options } of config.mounts ?? []) {
    if (destination !== "/sys/fs/cgroup" || (type !== "cgroup" && type !== "cgroup2")) continue;
    if (!options?.includes("ro")) return hostId(config, config.process?.user?.uid ?? 0);
  }
  return undefined;
}
