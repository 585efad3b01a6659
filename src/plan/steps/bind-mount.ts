import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_ATIME_MASK,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "../../../native-bindings/constants.ts";
import { EINVAL, ENOENT, ENOTDIR, EPERM } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../../native-bindings/files.ts";
import { load, type Slot } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import { emptyPath, MOUNT_ATTR_BYTES, mountAttr, openHow, sharedSlot } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitPropagation, mountFailure } from "./mount-filesystem.ts";
import { emitAttach, emitMountPoint, emitOpenInRoot, type MountPoint } from "./mount-point.ts";
import { emitShow } from "./show-descriptors.ts";

/** What becomes of the attributes of a bind mount: MOUNT_ATTR_* for its top, and for everything below. */
export interface BindAttributes {
  readonly set: number;
  readonly clear: number;
  readonly recursiveSet: number;
  readonly recursiveClear: number;
}

/**
 * Shows a file or directory of the host at another place: open_tree(2), mount_setattr(2), move_mount(2). The clone gets its
 * attributes while it is detached, so there is no moment at which a read-only one is writable.
 */
export interface BindMount extends Step {
  readonly kind: "bind-mount";
  /** Absolute, on the host. */
  readonly source: string;
  /** Relative to the container's root, when the source lies there: looked up in it, when the mounts before this one are made. */
  readonly inside: string | undefined;
  readonly type: string;
  readonly destination: string;
  readonly point: MountPoint;
  readonly recursive: boolean;
  readonly attributes: BindAttributes;
  readonly propagation: readonly number[];
  /** For a container in a user namespace: it must not get rid of an attribute of the source. */
  readonly locked: boolean;
  /**
   * Ids are mapped, for the top or for everything below. Such a source is always given, or, when it lies inside, shown to the runtime
   * before it is attached.
   */
  readonly idmap: "none" | "top" | "recursive";
  /**
   * Name of a descriptor: the runtime has cloned the source and set its attributes, because this process could not
   * (host-owned directories in a user namespace; id-mapped mounts).
   */
  readonly given: string | undefined;
  readonly tidy: boolean;
}

export const bindMount: StepKind<BindMount> = {
  kind: "bind-mount",
  emit(c, step) {
    const { p } = c;
    let tree: Slot;
    if (step.given === undefined) {
      tree = sharedSlot(c, "mount");
      if (step.inside === undefined) emitClone(c, step.source, step.recursive, tree);
      else emitCloneInside(c, step.inside, step.recursive, tree);
      if (step.idmap !== "none") emitIdMapping(c, step, tree);
      emitAttributes(c, tree, step.attributes);
      emitPropagation(c, tree, step.propagation);
      emitAttach(c, tree, emitMountPoint(c, step.point));
      if (step.tidy) p.call(p.nr.close, load(tree));
    } else {
      const target = emitMountPoint(c, step.point);
      const fd = c.given[step.given]!;
      p.call(p.nr.move_mount, fd, emptyPath(p), target.directory, target.path, target.flags);
      p.call(p.nr.close, fd);
    }
    if (step.tidy && step.point.by === "path") p.call(p.nr.close, load(sharedSlot(c, "target")));
  },
  describe: ({ source, destination, recursive, attributes }) =>
    `bind ${source} ${recursive ? "and what is mounted below it " : ""}on ${destination}${
      (attributes.set | attributes.recursiveSet) & 1 ? ", read-only" : ""
    }`,
  failure(step, errno) {
    if (errno === EPERM && step.attributes.clear !== 0) {
      const what = step.attributes.clear & MOUNT_ATTR_ATIME_MASK ? "change locked atime flags" : "clear locked flags";
      return `${mountFailure(step, errno)}: cannot ${what} of the source in a user namespace`;
    }
    return mountFailure(step, errno);
  },
  hint({ source, point }, errno) {
    if (errno === ENOTDIR || (errno === EINVAL && point.file)) {
      // Docker looks for "not a directory", which mount(2) said, and adds what to do about it.
      return point.file
        ? "the source is not a directory, the mount point is"
        : "the mount point is not a directory, the source is";
    }
    if (errno === ENOENT) return `${source} and the mount point must be there, or the root file system be writable`;
    return undefined;
  },
};

/** A detached copy of the mount at a path of the host. */
export function emitClone(c: Compilation, source: string, recursive: boolean, into: Slot): void {
  const { p } = c;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  p.call(p.nr.open_tree, AT_FDCWD, p.string(source), flags).save(into);
}

/** The same of a path in the container's root. */
function emitCloneInside(c: Compilation, path: string, recursive: boolean, into: Slot): void {
  const { p } = c;
  const source = sharedSlot(c, "source");
  const how = openHow(c, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  emitOpenInRoot(c, p.string(path), how, source);
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  p.call(p.nr.open_tree, load(source), emptyPath(p), flags).save(into);
  p.call(p.nr.close, load(source));
}

/** The runtime has the privilege for it. It knows the mount by its place in the config. */
function emitIdMapping(c: Compilation, { from }: BindMount, tree: Slot): void {
  const index = Number(from.slice(from.lastIndexOf("/") + 1));
  emitShow(c, [Message.WantsIdMapping, index, 0], [tree]);
}

function emitAttributes(c: Compilation, tree: Slot, attributes: BindAttributes): void {
  const { p } = c;
  const { set, clear, recursiveSet, recursiveClear } = attributes;
  const { mount_setattr } = p.nr;
  if ((set | clear) !== 0) {
    p.call(mount_setattr, load(tree), emptyPath(p), AT_EMPTY_PATH, mountAttr(c, set, clear), MOUNT_ATTR_BYTES);
  }
  if ((recursiveSet | recursiveClear) !== 0) {
    const attr = mountAttr(c, recursiveSet, recursiveClear);
    p.call(mount_setattr, load(tree), emptyPath(p), AT_EMPTY_PATH | AT_RECURSIVE, attr, MOUNT_ATTR_BYTES);
  }
}
