import type { Config, LinuxIDMapping } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";
import { namespaceOf } from "./namespaces.ts";

type Mappings = readonly LinuxIDMapping[];

/** The user namespace and its mappings: user_namespaces(7). */
export function checkIdMappings(config: Config, into: ConfigFault[]): void {
  const uids = config.linux?.uidMappings ?? [];
  const gids = config.linux?.gidMappings ?? [];
  const mapped = uids.length > 0 || gids.length > 0;
  const namespace = namespaceOf(config, "user");
  checkMappings(uids, "/linux/uidMappings", into);
  checkMappings(gids, "/linux/gidMappings", into);
  if (namespace === undefined) {
    if (!mapped) return;
    const message = "user namespace mappings specified, but user namespace isn't enabled in the config";
    fault(into, uids.length > 0 ? "/linux/uidMappings" : "/linux/gidMappings", message);
  } else if (namespace.path) {
    // Callers that join a pod's user namespace repeat its mappings. Whether they are the same is known when it is opened.
    if (mapped) {
      const message =
        "config.json has both a userns path to join and a userns mapping specified: they have to be the same";
      warning(into, "/linux/uidMappings", message, namespace.path);
    }
  } else if (!mapped) {
    const message = "user namespaces enabled, but no namespace path to join nor mappings to apply specified";
    fault(into, "/linux/namespaces", message);
  } else {
    checkUserIsMapped(config, uids, gids, into);
  }
}

function checkUserIsMapped(config: Config, uids: Mappings, gids: Mappings, into: ConfigFault[]): void {
  const enabled = "user namespaces enabled, but no mapping found for";
  if (!maps(uids, 0)) fault(into, "/linux/uidMappings", `${enabled} uid 0`);
  if (!maps(gids, 0)) fault(into, "/linux/gidMappings", `${enabled} gid 0`);
  const { uid = 0, gid = 0, additionalGids = [] } = config.process.user ?? {};
  const at = "/process/user";
  if (uid !== 0 && !maps(uids, uid))
    fault(into, `${at}/uid`, `cannot setuid to unmapped uid ${uid} in user namespace`, uid);
  if (gid !== 0 && !maps(gids, gid))
    fault(into, `${at}/gid`, `cannot setgid to unmapped gid ${gid} in user namespace`, gid);
  for (let i = 0; i < additionalGids.length; i++) {
    const group = additionalGids[i]!;
    if (maps(gids, group)) continue;
    fault(into, `${at}/additionalGids/${i}`, `cannot set additional unmapped gid ${group} in user namespace`, group);
  }
}

function maps(mappings: Mappings, id: number): boolean {
  for (const { containerID, size } of mappings) if (id >= containerID && id < containerID + size) return true;
  return false;
}

/** UID_GID_MAP_MAX_EXTENTS. */
const mostMappings = 340;

/** What the kernel answers with EINVAL when a map is written: empty ranges, wrapping ones, overlaps, too many. */
export function checkMappings(mappings: Mappings, at: string, into: ConfigFault[]): void {
  if (mappings.length > mostMappings) {
    fault(into, at, "too many id mappings", mappings.length, `at most ${mostMappings}`);
    return;
  }
  for (let i = 0; i < mappings.length; i++) {
    const { containerID, hostID, size } = mappings[i]!;
    if (size === 0) fault(into, `${at}/${i}/size`, "id mapping of size 0", 0, "at least 1");
    if (containerID + size > 0xffffffff || hostID + size > 0xffffffff) {
      fault(into, `${at}/${i}/size`, "id mapping goes beyond the last id", size, "an end of at most 4294967295");
    }
    for (let k = 0; k < i; k++) {
      const other = mappings[k]!;
      if (overlap(containerID, size, other.containerID, other.size)) {
        fault(into, `${at}/${i}/containerID`, `id mapping overlaps ${at}/${k} in the container`, containerID);
      }
      if (overlap(hostID, size, other.hostID, other.size)) {
        fault(into, `${at}/${i}/hostID`, `id mapping overlaps ${at}/${k} on the host`, hostID);
      }
    }
  }
}

const overlap = (a: number, sizeA: number, b: number, sizeB: number) => a < b + sizeB && b < a + sizeA;
