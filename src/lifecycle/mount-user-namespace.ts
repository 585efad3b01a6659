import { O_RDONLY, open } from "../../native-bindings/files.ts";
import type { LinuxIDMapping } from "../bundle/config.ts";
import type { BindMount } from "../plan/steps/bind-mount.ts";
import { RuntimeFault } from "../report/fault.ts";
import { writeIdMaps } from "./id-maps.ts";
import type { SetUp } from "./set-up.ts";
import { withUserNamespace } from "./user-namespace-process.ts";

/**
 * A user namespace by which an id-mapped mount maps: with the mount's own mappings, else with the container's.
 *
 * A little program makes it and waits; its namespace stays while a descriptor of it is open, though the program ends.
 * mount_setattr(2), "ID-mapped mounts".
 *
 * @returns a descriptor; the caller closes it.
 */
export function mountUserNamespace(step: BindMount, setUp: SetUp): number {
  const { config } = setUp.prepared.bundle;
  const mount = config.mounts![Number(step.from.slice(step.from.lastIndexOf("/") + 1))]!;
  const joined = setUp.given.get("ns:user");
  const own = mount.uidMappings !== undefined && mount.uidMappings.length > 0;
  if (!own && joined !== undefined) return open(`/proc/self/fd/${joined}`, O_RDONLY);
  const uids = own ? mount.uidMappings : config.linux?.uidMappings;
  const gids = own ? mount.gidMappings : config.linux?.gidMappings;
  if (!uids?.length || !gids?.length) {
    throw new RuntimeFault({
      what: "an id-mapped mount needs uidMappings and gidMappings, or a user namespace of the container's",
      where: step.from,
      value: step.destination,
    });
  }
  return namespaceWith(uids, gids, setUp);
}

function namespaceWith(uids: readonly LinuxIDMapping[], gids: readonly LinuxIDMapping[], setUp: SetUp): number {
  const fd = withUserNamespace(undefined, setUp.directory, (pid) => {
    writeIdMaps(pid, uids, gids);
    return open(`/proc/${pid}/ns/user`, O_RDONLY);
  });
  if (fd === undefined) throw new RuntimeFault({ what: "unable to make a user namespace for an id-mapped mount" });
  return fd;
}
