import type { Config } from "../bundle/config.ts";

/** The host's id of one of the container's users. */
export function hostId(config: Config, uid: number): number {
  for (const { containerID, hostID, size } of config.linux?.uidMappings ?? []) {
    if (uid >= containerID && uid < containerID + size) return hostID + uid - containerID;
  }
  return uid;
}
