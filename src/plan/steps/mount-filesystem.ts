import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MS_REC,
} from "../../../native-bindings/constants.ts";
import { EACCES, EINVAL, ELOOP, ENODEV, ENOENT, ENOTDIR, EPERM, EXDEV } from "../../../native-bindings/errno.ts";
import { O_CLOEXEC, O_DIRECTORY } from "../../../native-bindings/files.ts";
import { load, type Slot } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import { dataText, type FilesystemOption } from "../mount-options.ts";
import { emptyPath, MOUNT_ATTR_BYTES, mountAttr, sharedSlot } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { kernelTextLabel } from "./kernel-text.ts";
import { emitAttach, emitMountPoint, type MountPoint } from "./mount-point.ts";
import { emitShow } from "./show-descriptors.ts";

/** Mounts a file system of its own: everything that is not a bind mount. fsopen(2), fsconfig(2), fsmount(2), move_mount(2). */
export interface MountFilesystem extends Step {
  readonly kind: "mount-filesystem";
  readonly type: string;
  readonly source: string;
  /** As in config.json, for messages. */
  readonly destination: string;
  readonly point: MountPoint;
  readonly data: readonly FilesystemOption[];
  /** MOUNT_ATTR_* of the mount. */
  readonly attributes: number;
  /** MS_SHARED and its like, in order. */
  readonly propagation: readonly number[];
  /** A tmpfs takes over the mode of the directory that it covers. */
  readonly keepMode: boolean;
  /** A tmpfs starts with what it covers: the runtime copies it in before anyone can see it. */
  readonly copyUp: boolean;
  /** Name under which later steps find the mount's descriptor. */
  readonly keepAs: string | undefined;
  /** SELinux: what the top directory is labelled with, where the file system has no option for it (mqueue). */
  readonly label: string | undefined;
  /** There are so many mounts that descriptors must be given back at once. */
  readonly tidy: boolean;
}

const STATX_BYTES = 256;
/** struct statx: stx_mode is a u16 followed by two zero bytes, so that 32 bits of it are the mode. */
const STX_MODE = 28;
/** What the kernel gives a tmpfs, and what one gets whose mount point was only just made. */
const TMPFS_MODE = 0o1777;

export const mountFilesystem: StepKind<MountFilesystem> = {
  kind: "mount-filesystem",
  emit(c, step) {
    const { p } = c;
    let status: number | undefined;
    if (step.keepMode) {
      status = p.space(STATX_BYTES);
      p.setWord(status + STX_MODE, TMPFS_MODE);
    }
    const target = emitMountPoint(c, step.point, status);
    const fs = sharedSlot(c, "fs");
    emitFilesystem(c, step, fs);
    const mount = sharedSlot(c, step.keepAs ?? "mount");
    p.call(p.nr.fsmount, load(fs), FSMOUNT_CLOEXEC, step.attributes).save(mount).onError(kernelTextLabel(c));
    if (step.tidy) p.call(p.nr.close, load(fs));
    if (status !== undefined) p.call(p.nr.fchmodat, load(mount), p.string("."), load(status + STX_MODE));
    if (step.label !== undefined) emitLabel(c, mount, step.label);
    // The runtime copies what is in the directory into the tmpfs.
    if (step.copyUp) emitShow(c, [Message.WantsCopy, 0, 0], [mount, sharedSlot(c, "target")]);
    emitPropagation(c, mount, step.propagation);
    emitAttach(c, mount, target);
    if (!step.tidy) return;
    if (step.keepAs === undefined) p.call(p.nr.close, load(mount));
    if (step.point.by === "path") p.call(p.nr.close, load(sharedSlot(c, "target")));
  },
  describe: (step) =>
    `mount ${JSON.stringify(step.source)} (type ${step.type}) on ${step.destination}${
      step.data.length > 0 ? ` with ${dataText(step.data)}` : ""
    }`,
  failure: mountFailure,
  hint: mountHint,
};

/** fsopen and fsconfig: a configured file system, of which fsmount makes a mount. */
export function emitFilesystem(
  c: Compilation,
  step: Pick<MountFilesystem, "type" | "source" | "data">,
  fs: Slot,
): void {
  const { p } = c;
  const refused = kernelTextLabel(c);
  p.call(p.nr.fsopen, p.string(step.type), FSOPEN_CLOEXEC).save(fs);
  const { fsconfig } = p.nr;
  if (step.source !== "") {
    p.call(fsconfig, load(fs), FSCONFIG_SET_STRING, p.string("source"), p.string(step.source), 0).onError(refused);
  }
  for (const { key, value } of step.data) {
    if (value === undefined) p.call(fsconfig, load(fs), FSCONFIG_SET_FLAG, p.string(key), 0, 0);
    else p.call(fsconfig, load(fs), FSCONFIG_SET_STRING, p.string(key), p.string(value), 0);
    p.onError(refused);
  }
  p.call(fsconfig, load(fs), FSCONFIG_CMD_CREATE, 0, 0, 0).onError(refused);
}

/** Propagation is set while the mount is still detached: nothing has to be found again by its path. */
export function emitPropagation(c: Compilation, mount: Slot, propagation: readonly number[]): void {
  const { p } = c;
  for (const flag of propagation) {
    const at = flag & MS_REC ? AT_EMPTY_PATH | AT_RECURSIVE : AT_EMPTY_PATH;
    const attr = mountAttr(c, 0, 0, flag & ~MS_REC);
    p.call(p.nr.mount_setattr, load(mount), emptyPath(p), at, attr, MOUNT_ATTR_BYTES);
  }
}

/** xattr(7), security.selinux: the value has its NUL. */
function emitLabel(c: Compilation, mount: Slot, label: string): void {
  const { p } = c;
  const directory = sharedSlot(c, "labelled");
  const bytes = new TextEncoder().encode(label).length + 1;
  p.call(p.nr.openat, load(mount), p.string("."), O_DIRECTORY | O_CLOEXEC).save(directory);
  p.call(p.nr.fsetxattr, load(directory), p.string("security.selinux"), p.string(label), bytes, 0);
  p.call(p.nr.close, load(directory));
}

/** What callers of runc know. */
export function mountFailure(
  step: { source: string; type: string; destination: string; data?: string | readonly FilesystemOption[] },
  errno: number,
): string {
  const { type, destination } = step;
  if (errno === EXDEV) return `${JSON.stringify(destination)} cannot be mounted because it is inside /proc`;
  const what = `error mounting ${JSON.stringify(step.source)} to rootfs at ${JSON.stringify(destination)}`;
  // EINVAL is what move_mount says of a symbolic link, and fsconfig of a bad option.
  const noDirectory = errno === ENOTDIR || errno === ELOOP || (errno === EINVAL && !step.data?.length);
  return noDirectory && (type === "proc" || type === "sysfs")
    ? `filesystem ${JSON.stringify(type)} must be mounted on ordinary directory: ${what}`
    : what;
}

function mountHint(step: MountFilesystem, errno: number): string | undefined {
  switch (errno) {
    case ENODEV:
      return step.type === "bind" || step.type === "none" || step.type === ""
        ? 'a bind mount needs the option "bind" or "rbind"'
        : `this kernel does not know the file system type ${JSON.stringify(step.type)}`;
    case EINVAL:
      return step.data.length > 0 ? `the file system refuses one of its options ${dataText(step.data)}` : undefined;
    case ENOENT:
      return "the mount point is missing and could not be made; make it in the root file system";
    case EPERM:
    case EACCES:
      return step.type === "proc" || step.type === "sysfs"
        ? `a new ${step.type} is refused where parts of the outer one are masked or read-only; use a bind mount of it`
        : undefined;
    default:
      return undefined;
  }
}
