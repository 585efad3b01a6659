import {
  MOUNT_ATTR_ATIME_MASK,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MS_NODIRATIME,
} from "../../native-bindings/constants.ts";
import type { Mount } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { ACCESS_TIME_FLAGS, type MountOptions, mountAttributes } from "./mount-options.ts";
import type { MountsInput } from "./mount-steps.ts";
import type { BindAttributes, BindMount } from "./steps/bind-mount.ts";
import type { MountPoint } from "./steps/mount-point.ts";

/** A mount with the option bind or rbind, whatever its type. @throws RuntimeFault for one without a source. */
export function bindStep(
  input: MountsInput,
  mount: Mount,
  index: number,
  options: MountOptions,
  point: MountPoint,
  tidy: boolean,
): BindMount {
  const from = `/mounts/${index}`;
  const source = input.facts.sources[index];
  if (source === undefined) throw new RuntimeFault({ what: "bind mount without a source", where: `${from}/source` });
  // options.data, if any, is for no one: there is no file system to be made. The rules have warned of it.
  const given = source.inside === undefined && (input.facts.givesSources || options.idmap !== "none");
  return {
    kind: "bind-mount",
    from,
    source: source.path,
    inside: source.inside,
    type: "bind",
    destination: mount.destination,
    point,
    recursive: options.recursive,
    attributes: bindAttributes(options, input.userNamespace),
    propagation: options.propagation,
    idmap: options.idmap,
    locked: input.userNamespace,
    given: given ? `mount:${index}` : undefined,
    tidy,
  };
}

const PLAIN_ATTRIBUTES =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;

/**
 * The attributes of the clone. Without flags it keeps its source's. With any, it has those that were asked for and no others,
 * as after mount(2)'s MS_BIND|MS_REMOUNT; but in a user namespace what the source has is locked, and kept unless it was
 * cleared by name, which is refused then. mount_namespaces(7), "Restrictions on mount namespaces". Not symfollow: it has no lock.
 *
 * How access times are kept is replaced as a whole when one of the options sets it; to clear one ("atime") says nothing, as with
 * mount(8).
 */
function bindAttributes(options: MountOptions, userNamespace: boolean): BindAttributes {
  const { flags, cleared, recursiveSet, recursiveClear } = options;
  if ((flags | cleared) === 0) return { set: 0, clear: 0, recursiveSet, recursiveClear };
  const set = mountAttributes(flags);
  let clear = PLAIN_ATTRIBUTES;
  if (userNamespace) clear &= mountAttributes(cleared) | MOUNT_ATTR_NOSYMFOLLOW;
  if ((flags & (ACCESS_TIME_FLAGS | MS_NODIRATIME)) !== 0) clear |= MOUNT_ATTR_ATIME_MASK | MOUNT_ATTR_NODIRATIME;
  // Bits of the access time field are replaced as a whole; of the others none may be in both.
  return { set, clear: clear & ~(set & ~MOUNT_ATTR_ATIME_MASK), recursiveSet, recursiveClear };
}
