/**
 * Where a mount goes: found inside the container's root by descriptor, made when it is missing, never by a string that the
 * host's root would resolve. openat2(2), RESOLVE_IN_ROOT.
 */
import {
  AT_EMPTY_PATH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../../native-bindings/constants.ts";
import { EAGAIN, EEXIST, EXDEV } from "../../../native-bindings/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_PATH, S_IFREG } from "../../../native-bindings/files.ts";
import { type Label, load, type Slot } from "../../program/builder.ts";
import { emptyPath, OPEN_HOW_BYTES, openHow, sharedSlot, sharedSpace } from "../shared-values.ts";
import type { Compilation } from "../step.ts";

export interface MountPoint {
  /**
   * - `child`: one name below a directory that nobody else can have filled: the root itself for proc and sysfs, which must not
   *   be reached through a symbolic link, or a /dev that was made a moment ago. It takes no look-up.
   * - `path`: looked up below the root.
   */
  readonly by: "child" | "path";
  /** Of a `child`: what it is a name in. */
  readonly parent: "rootfs" | "dev";
  /** Relative to the root, or to `parent`; clean, without a slash at either end. */
  readonly path: string;
  /** A file, not a directory. */
  readonly file: boolean;
  /** Make it, and the directories above it, when it is missing. */
  readonly make: boolean;
  /** Refuse to end up in procfs, whatever symbolic links say. */
  readonly outsideProc: boolean;
  /** Refuse symbolic links in every component: proc and sysfs. */
  readonly noSymlinks: boolean;
}

const DIRECTORY_MODE = 0o755;
const FILE_MODE = S_IFREG | 0o644;
const STATFS_BYTES = 120;
const STATX_MODE = 2;

/** The target as move_mount(2) takes it. */
export interface Target {
  readonly directory: number;
  readonly path: number;
  readonly flags: number;
}

/** The directory that a `child` is a name in. */
function parentOf(c: Compilation, point: MountPoint): number {
  return load(point.parent === "rootfs" ? c.rootfs : sharedSlot(c, "dev"));
}

/**
 * Appends what finds, or makes, the mount point.
 *
 * @param statInto a struct statx that gets the mode of a mount point that was there before.
 */
export function emitMountPoint(c: Compilation, point: MountPoint, statInto?: number): Target {
  const { p } = c;
  if (point.by === "child") {
    const directory = parentOf(c, point);
    const path = p.string(point.path);
    // That it exists is no error; that it could not be made is found out by move_mount.
    if (point.file) p.call(p.nr.mknodat, directory, path, FILE_MODE, 0).ignoreError();
    else p.call(p.nr.mkdirat, directory, path, DIRECTORY_MODE).ignoreError();
    return { directory, path, flags: MOVE_MOUNT_F_EMPTY_PATH };
  }
  const target = sharedSlot(c, "target");
  // What is no directory is told as such here: move_mount says EINVAL only.
  emitLookup(c, point, target, point.file ? 0 : O_DIRECTORY, statInto);
  return {
    directory: load(target),
    path: emptyPath(p),
    flags: MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
  };
}

/**
 * Opens the path into `target`, making it if it must be. One operation, and a jump, when it is there.
 *
 * @param kind O_DIRECTORY to refuse anything else.
 */
export function emitLookup(c: Compilation, point: MountPoint, target: Slot, kind = 0, statInto?: number): void {
  const { p } = c;
  const how = openHow(
    c,
    O_PATH | O_CLOEXEC | kind,
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (point.noSymlinks ? RESOLVE_NO_SYMLINKS : 0),
  );
  if (!point.make) {
    emitOpenInRoot(c, p.string(point.path), how, target);
    if (statInto !== undefined) emitStat(c, target, statInto);
    return;
  }
  // As emitOpenInRoot, whose jump over its errors is spared: most mounts come by here.
  const again = p.label();
  const missing = p.label();
  const found = p.label();
  p.place(again);
  p.call(p.nr.openat2, load(c.rootfs), p.string(point.path), how, OPEN_HOW_BYTES).save(target).onError(missing);
  if (statInto !== undefined) emitStat(c, target, statInto);
  p.jump(found);
  p.place(missing);
  p.jumpIfErrno(target, EAGAIN, again);
  emitMake(c, point, target, how, found);
  if (!point.outsideProc) {
    p.place(found);
    return;
  }
  const inProc = p.label();
  p.place(inProc);
  p.raise(EXDEV);
  p.place(found);
  const status = sharedSpace(c, "statfs", STATFS_BYTES);
  // struct statfs begins with f_type, whose low half is all there is of it.
  p.call(p.nr.fstatfs, load(target), status);
  // Some magic numbers are negative in 32 bits (btrfs): those are no error.
  p.xor(load(status), PROC_SUPER_MAGIC).onZero(inProc).ignoreError();
}

/**
 * Opens a path in the container's root, and tries again for EAGAIN: something was renamed or mounted anywhere on the host while a
 * ".." was looked up. openat2(2).
 *
 * @param failed where any other error leads.
 */
export function emitOpenInRoot(c: Compilation, path: number, how: number, into: Slot, failed = c.p.fail): void {
  const { p } = c;
  const again = p.label();
  const refused = p.label();
  const found = p.label();
  p.place(again);
  p.call(p.nr.openat2, load(c.rootfs), path, how, OPEN_HOW_BYTES).save(into).onError(refused);
  p.jump(found);
  p.place(refused);
  p.jumpIfErrno(into, EAGAIN, again);
  p.jump(failed);
  p.place(found);
}

function emitStat(c: Compilation, target: Slot, into: number): void {
  c.p.call(c.p.nr.statx, load(target), emptyPath(c.p), AT_EMPTY_PATH, STATX_MODE, into);
}

/**
 * Makes each missing component, in the directory that the path above it names.
 *
 * Every prefix is looked up from the root: from the directory before, RESOLVE_IN_ROOT would take that one for the root, and an
 * absolute symbolic link would lead elsewhere. mkdirat and mknodat never follow a link at the end.
 */
function emitMake(c: Compilation, point: MountPoint, target: Slot, how: number, done: Label): void {
  const { p } = c;
  const { path } = point;
  const made = sharedSlot(c, "made");
  const parent = sharedSlot(c, "parent");
  const failed = p.label();
  const directoryHow = openHow(c, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  let above = c.rootfs;
  let start = 0;
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", start)) {
    p.call(p.nr.mkdirat, load(above), p.string(path.slice(start, slash)), DIRECTORY_MODE)
      .save(made)
      .ignoreError();
    emitOpenInRoot(c, p.string(path.slice(0, slash)), directoryHow, parent, failed);
    above = parent;
    start = slash + 1;
  }
  const name = p.string(path.slice(start));
  if (point.file) p.call(p.nr.mknodat, load(above), name, FILE_MODE, 0);
  else p.call(p.nr.mkdirat, load(above), name, DIRECTORY_MODE);
  p.save(made).ignoreError();
  p.call(p.nr.openat2, load(c.rootfs), p.string(path), how, OPEN_HOW_BYTES).save(target).onError(failed);
  p.jump(done);
  p.place(failed);
  // What could not be made is why; but when it was, or was there, the look-up's own error counts: it is asked for again, for EAGAIN too.
  const again = p.label();
  const refused = p.label();
  p.xor(load(made), 0).onError(refused);
  p.place(again);
  emitOpenInRoot(c, p.string(path), how, target);
  p.jump(done);
  p.place(refused);
  p.jumpIfErrno(made, EEXIST, again);
  p.jump(p.fail);
}

/** Attaches a detached mount to its mount point. */
export function emitAttach(c: Compilation, mount: Slot, target: Target): void {
  const { p } = c;
  p.call(p.nr.move_mount, load(mount), emptyPath(p), target.directory, target.path, target.flags);
}
