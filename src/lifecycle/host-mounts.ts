/** A container without a mount namespace of its own has its mounts in the runtime's: what becomes of them. */
import { MNT_DETACH, UMOUNT_NOFOLLOW } from "../../native-bindings/constants.ts";
import { tryStat } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";

/** The id of the mount that a directory lies on. statx(2), stx_mnt_id. */
export function mountIdOf(path: string): number | undefined {
  const status = tryStat(path);
  return typeof status === "number" ? undefined : status.mountId;
}

/**
 * Takes away the one mount that a container's root file system was made, and all that lies on it.
 *
 * @param before the mount that the directory lay on before: when it does so again there is nothing left to do.
 * @throws RuntimeFault
 */
export function removeHostMounts(rootfs: string, before: number): void {
  const now = mountIdOf(rootfs);
  if (now === undefined || now === before) return;
  const result = syscall(SYS.umount2, cstring(rootfs), MNT_DETACH | UMOUNT_NOFOLLOW);
  if (result < 0)
    throw new RuntimeFault({ what: "unable to unmount the container's mounts", where: rootfs, errno: -result });
}
