import { readTextIfThere } from "../../native-bindings/files.ts";
import { addressOf, cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

const USUAL_PLACE = "/sys/fs/resctrl";
const RDTGROUP_SUPER_MAGIC = 0x7655821;
const STATFS_BYTES = 120;

/**
 * Where the resctrl file system is mounted: the administrator does that, here or elsewhere. Undefined: nowhere.
 *
 * @see the kernel's Documentation/filesystems/resctrl.rst
 */
export function resctrlRoot(): string | undefined {
  const status = new Int32Array(STATFS_BYTES / 4);
  const known = syscall(SYS.statfs, cstring(USUAL_PLACE), addressOf(status));
  if (known === 0 && status[0] === RDTGROUP_SUPER_MAGIC) return USUAL_PLACE;
  return mountPointOf("resctrl", readTextIfThere("/proc/self/mountinfo") ?? "");
}

/** The first mount point of a file system type. proc_pid_mountinfo(5). */
export function mountPointOf(type: string, mountinfo: string): string | undefined {
  for (const line of mountinfo.split("\n")) {
    const separator = line.indexOf(" - ");
    if (separator < 0 || line.slice(separator + 3).split(" ")[0] !== type) continue;
    const path = line.split(" ")[4]!;
    return path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
  }
  return undefined;
}
