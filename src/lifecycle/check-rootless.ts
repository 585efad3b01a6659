/** What an ordinary user's container can't have, in runc's words: before anything is made, and not by the kernel's EINVAL. */
import { CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import type { Config, LinuxIDMapping, Process } from "../bundle/config.ts";
import { keepsGroups } from "../plan/annotations.ts";
import type { NamespacePlan } from "../plan/namespaces.ts";
import { RuntimeFault } from "../report/fault.ts";

/** @throws RuntimeFault */
export function checkRootless(config: Config, namespaces: NamespacePlan): void {
  if ((namespaces.all & CLONE_NEWUSER) === 0) {
    throw new RuntimeFault({
      what: "rootless container requires user namespaces",
      where: "/linux/namespaces",
      hint: 'add {"type": "user"} and mappings, as `runts spec --rootless` writes them',
    });
  }
  if (!keepsGroups(config)) checkGroups(config.process!);
  checkMappedMounts(config);
  if (namespaces.newUser) checkOwners(config);
}

/** Whatever is mapped: groups are a privilege, which the user may have and the namespace not. @throws RuntimeFault */
export function checkGroups({ user }: Process): void {
  const groups = user?.additionalGids;
  if (groups === undefined || groups.length === 0) return;
  throw new RuntimeFault({
    what: "cannot set any additional groups in a rootless container",
    where: "/process/user/additionalGids",
    value: groups,
  });
}

/** Only who is privileged where the source's file system was mounted may map its ids. mount_setattr(2). */
function checkMappedMounts({ mounts = [] }: Config): void {
  for (let index = 0; index < mounts.length; index++) {
    const { uidMappings, gidMappings, destination } = mounts[index]!;
    if (!uidMappings?.length && !gidMappings?.length) continue;
    throw new RuntimeFault({
      what: "id-mapped mounts are not supported for rootless containers",
      where: `/mounts/${index}/uidMappings`,
      value: destination,
    });
  }
}

/** A file system's uid= and gid= are ids of the container; devpts of the usual spec has gid=5. */
function checkOwners({ mounts = [], linux }: Config): void {
  for (let index = 0; index < mounts.length; index++) {
    const options = mounts[index]!.options ?? [];
    for (let at = 0; at < options.length; at++) {
      const option = options[at]!;
      const kind = option.startsWith("uid=") ? "uid" : option.startsWith("gid=") ? "gid" : undefined;
      if (kind === undefined) continue;
      const id = Number(option.slice(4));
      if (Number.isNaN(id) || isMapped(linux?.[`${kind}Mappings`] ?? [], id)) continue;
      throw new RuntimeFault({
        what: `cannot specify ${option} mount option for rootless container: container ID ${id} cannot be mapped to a host ID`,
        where: `/mounts/${index}/options/${at}`,
        hint: `map it in /linux/${kind}Mappings, or leave the option out`,
      });
    }
  }
}

function isMapped(mappings: readonly LinuxIDMapping[], id: number): boolean {
  for (const { containerID, size } of mappings) if (id >= containerID && id < containerID + size) return true;
  return false;
}
