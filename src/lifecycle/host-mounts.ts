/** A container without a mount namespace of its own has its mounts in the runtime's: what becomes of them. */
import { MNT_DETACH, UMOUNT_NOFOLLOW } from "../../native-bindings/constants.ts";
import { EINVAL } from "../../native-bindings/errno.ts";
import { tryReadDirectory, tryStat } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type ContainerRecord, readRecord, writeRecord } from "../state/container-record.ts";

/** The id of the mount that a directory lies on. statx(2), stx_mnt_id. */
export function mountIdOf(path: string): number | undefined {
  const status = tryStat(path);
  return typeof status === "number" ? undefined : status.mountId;
}

/**
 * Takes away the one mount that a container's root file system was made, and all that lies on it. Another container on the
 * same directory may lie on top: then it takes this one's mount away with its own.
 *
 * @throws RuntimeFault
 */
export function removeHostMounts(root: string, { id, rootfs, host_mount, host_mount_own }: ContainerRecord): void {
  const now = mountIdOf(rootfs);
  // Lies it on what it lay on before, there is nothing left to do.
  if (now === undefined || now === host_mount) return;
  if (host_mount_own !== undefined && now !== host_mount_own) {
    if (bequeath(root, id, host_mount_own, host_mount!)) return;
    throw new RuntimeFault({
      what: "unable to unmount the container's mounts: something else is mounted on them",
      where: rootfs,
      hint: "unmount that first",
    });
  }
  // Its own, and below it those that were left to it.
  for (let left = MOST_MOUNTS; left > 0 && mountIdOf(rootfs) !== host_mount; left--) {
    const result = syscall(SYS.umount2, cstring(rootfs), MNT_DETACH | UMOUNT_NOFOLLOW);
    // No mount any more: what it lay on went meanwhile.
    if (result === -EINVAL) return;
    if (result < 0)
      throw new RuntimeFault({ what: "unable to unmount the container's mounts", where: rootfs, errno: -result });
    if (host_mount_own === undefined) return;
  }
}

/** As many containers as may lie upon each other. */
const MOST_MOUNTS = 100;

/**
 * The container that was mounted on `own` is told that it lies on what `own` lay on.
 *
 * @returns false when there is none.
 */
function bequeath(root: string, id: string, own: number, before: number): boolean {
  const entries = tryReadDirectory(root);
  if (typeof entries === "number") return false;
  for (const { name } of entries) {
    if (name === id) continue;
    let other: ContainerRecord;
    try {
      other = readRecord(root, name);
    } catch (error) {
      // Being made or deleted just now, or damaged: not the one.
      if (error instanceof RuntimeFault) continue;
      throw error;
    }
    if (other.host_mount !== own) continue;
    writeRecord(root, { ...other, host_mount: before });
    return true;
  }
  return false;
}
