import {
  MOUNT_ATTR_ATIME_MASK,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
} from "../../native-bindings/constants.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

/** struct statfs of x86-64 and arm64: f_flags is the eleventh word. statfs(2) */
const STATFS_WORDS = 15;
const F_FLAGS = 10;
const ST_NOATIME = 0x400;
const ST_NODIRATIME = 0x800;
const ST_RELATIME = 0x1000;

const PLAIN = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/**
 * Why attributes cannot be changed as told where the mount belongs to another user namespace, or undefined when they can: some are
 * locked there. The kernel asks this when the change is made in that namespace; the runtime, which makes it from outside, must ask itself.
 *
 * @param fd of the mount.
 * @param set @param clear MOUNT_ATTR_*, of mount_setattr(2).
 * @see mount_namespaces(7), "Restrictions on mount namespaces"
 */
export function brokenLock(fd: number, set: number, clear: number): string | undefined {
  const words = new BigInt64Array(STATFS_WORDS);
  const result = syscall(SYS.fstatfs, fd, addressOf(words));
  if (result < 0) throw new SystemError("fstatfs", `${fd}`, -result);
  const has = Number(words[F_FLAGS]);
  // The first four are the same bits in both.
  if ((has & clear & ~set & PLAIN) !== 0) return "cannot clear locked flags";
  if ((clear & MOUNT_ATTR_ATIME_MASK) === 0) return undefined;
  const noDirectories = has & ST_NODIRATIME ? MOUNT_ATTR_NODIRATIME : 0;
  const kind = has & ST_NOATIME ? MOUNT_ATTR_NOATIME : has & ST_RELATIME ? 0 : MOUNT_ATTR_STRICTATIME;
  const asked = set & (MOUNT_ATTR_ATIME_MASK | MOUNT_ATTR_NODIRATIME);
  return asked === (kind | noDirectories) ? undefined : "cannot change locked atime flags";
}
