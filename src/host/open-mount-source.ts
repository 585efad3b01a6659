import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_IDMAP,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../native-bindings/constants.ts";
import { EINVAL, EPERM } from "../../native-bindings/errno.ts";
import { AT_FDCWD, close } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { BindMount } from "../plan/steps/bind-mount.ts";
import { RuntimeFault } from "../report/fault.ts";
import { brokenLock } from "./locked-attributes.ts";

/**
 * Clones the source of a bind mount and sets its attributes, for a container in a user namespace that could not reach it
 * itself. The clone is cut off from the host's propagation, as everything else in the container's mount namespace is.
 *
 * @param userNamespace opens the user namespace that an id-mapped mount maps by.
 * @returns a descriptor of the detached mount, close-on-exec: what the step's `given` names.
 * @throws RuntimeFault naming the mount.
 */
export function openMountSource(step: BindMount, userNamespace: () => number): number {
  const below = step.recursive ? AT_RECURSIVE : 0;
  const fd = syscall(SYS.open_tree, AT_FDCWD, cstring(step.source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
  if (fd < 0) throw fault(step, "open_tree", -fd);
  try {
    // Before anything else, and before the mount is attached anywhere: the kernel allows it then only.
    if (step.idmap !== "none") mapMountIds(step, fd, userNamespace());
    const { set, clear, recursiveSet, recursiveClear } = step.attributes;
    setAttributes(step, fd, AT_RECURSIVE, 0, 0, MS_SLAVE);
    const broken = step.locked ? brokenLock(fd, set, clear) : undefined;
    if (broken !== undefined) throw refused(step, broken);
    if ((set | clear) !== 0) setAttributes(step, fd, 0, set, clear, 0);
    if ((recursiveSet | recursiveClear) !== 0) {
      setAttributes(step, fd, AT_RECURSIVE, recursiveSet, recursiveClear, 0);
    }
    for (const flag of step.propagation) {
      // Slave it is already, and not of the container's making.
      if ((flag & (MS_SLAVE | MS_PRIVATE)) === MS_SLAVE) continue;
      setAttributes(step, fd, flag & MS_REC ? AT_RECURSIVE : 0, 0, 0, flag & ~MS_REC);
    }
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/** What the kernel would say to the container's own root. */
function refused(step: BindMount, why: string): RuntimeFault {
  const { what, where } = fault(step, "", EPERM).facts;
  const inInit = `unable to start container process: error during container init: ${what}`;
  return new RuntimeFault({ what: `${inInit}: ${why} of the source in a user namespace`, where, errno: EPERM });
}

/** MOUNT_ATTR_IDMAP. Takes `userNamespace` over. @throws RuntimeFault naming the mount. */
export function mapMountIds(step: BindMount, fd: number, userNamespace: number): void {
  const attr = new Uint32Array([MOUNT_ATTR_IDMAP, 0, 0, 0, 0, 0, userNamespace, 0]);
  const below = step.idmap === "recursive" ? AT_RECURSIVE : 0;
  const result = syscall(SYS.mount_setattr, fd, cstring(""), AT_EMPTY_PATH | below, addressOf(attr), 32);
  close(userNamespace);
  if (result === 0) return;
  const { what, where } = fault(step, "", -result).facts;
  const hint =
    result === -EINVAL ? "maybe the filesystem used doesn't support idmap mounts on this kernel?" : undefined;
  throw new RuntimeFault({ what, where, errno: -result, call: "mount_setattr(MOUNT_ATTR_IDMAP)", hint });
}

/** mount_setattr(2). */
function setAttributes(
  step: BindMount,
  fd: number,
  below: number,
  set: number,
  clear: number,
  propagation: number,
): void {
  const attr = new Uint32Array([set, 0, clear, 0, propagation, 0, 0, 0]);
  const result = syscall(SYS.mount_setattr, fd, cstring(""), AT_EMPTY_PATH | below, addressOf(attr), 32);
  if (result < 0) throw fault(step, "mount_setattr", -result);
}

function fault(step: BindMount, call: string, errno: number): RuntimeFault {
  return new RuntimeFault({
    what: `error mounting ${JSON.stringify(step.source)} to rootfs at ${JSON.stringify(step.destination)}`,
    where: step.from,
    errno,
    call,
  });
}
