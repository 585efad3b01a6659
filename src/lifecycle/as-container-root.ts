import type { FileStatus } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { Config, LinuxIDMapping } from "../bundle/config.ts";

const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 4;

/**
 * Does something in this thread as the one who is root in the container, where files are concerned, with all capabilities kept:
 * in a tmpfs of a user namespace whoever is not mapped in it can make nothing (EOVERFLOW). setfsuid(2), capabilities(7).
 */
export function asContainerRoot(linux: Config["linux"], action: () => void): void {
  const uid = hostIdOfRoot(linux?.uidMappings);
  const gid = hostIdOfRoot(linux?.gidMappings);
  // An ordinary user is the container's root already, and has no capability to keep.
  if (uid === syscall(SYS.geteuid) && gid === syscall(SYS.getegid)) {
    action();
    return;
  }
  const bits = syscall(SYS.prctl, PR_GET_SECUREBITS);
  const kept = syscall(SYS.prctl, PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
  if (kept < 0) throw new SystemError("prctl", "PR_SET_SECUREBITS", -kept);
  const gidBefore = syscall(SYS.setfsgid, gid);
  const uidBefore = syscall(SYS.setfsuid, uid);
  try {
    action();
  } finally {
    syscall(SYS.setfsuid, uidBefore);
    syscall(SYS.setfsgid, gidBefore);
    syscall(SYS.prctl, PR_SET_SECUREBITS, bits);
  }
}

/** A file's status with -1 for ids that the container's user namespace does not map: nothing in it can be theirs. */
export function mappedOwner(linux: Config["linux"], status: FileStatus): FileStatus {
  return {
    ...status,
    uid: isMapped(linux?.uidMappings, status.uid) ? status.uid : -1,
    gid: isMapped(linux?.gidMappings, status.gid) ? status.gid : -1,
  };
}

function isMapped(mappings: readonly LinuxIDMapping[] | undefined, id: number): boolean {
  if (mappings === undefined || mappings.length === 0) return true;
  return mappings.some(({ hostID, size }) => id >= hostID && id < hostID + size);
}

function hostIdOfRoot(mappings: readonly LinuxIDMapping[] | undefined): number {
  for (const { containerID, hostID } of mappings ?? []) if (containerID === 0) return hostID;
  return 0;
}
