import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../native-bindings/constants.ts";
import { AT_FDCWD, close } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { BindMount } from "../plan/steps/bind-mount.ts";
import { RuntimeFault } from "../report/fault.ts";

/**
 * Clones the source of a bind mount and sets its attributes, for a container in a user namespace that could not reach it
 * itself. The clone is cut off from the host's propagation, as everything else in the container's mount namespace is.
 *
 * @returns a descriptor of the detached mount, close-on-exec: what the step's `given` names.
 * @throws RuntimeFault naming the mount; for id-mapped mounts always, for want of a user namespace to map by.
 */
export function openMountSource(step: BindMount): number {
  if (step.idmap !== "none") {
    throw new RuntimeFault({ what: "id-mapped mounts are not supported", where: step.from, value: step.destination });
  }
  const below = step.recursive ? AT_RECURSIVE : 0;
  const fd = syscall(SYS.open_tree, AT_FDCWD, cstring(step.source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
  if (fd < 0) throw fault(step, "open_tree", -fd);
  try {
    const { set, clear, recursiveSet, recursiveClear } = step.attributes;
    setAttributes(step, fd, AT_RECURSIVE, 0, 0, MS_SLAVE);
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
