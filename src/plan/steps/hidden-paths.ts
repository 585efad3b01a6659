/**
 * linux.maskedPaths and linux.readonlyPaths. The root is the container's by now, so paths are resolved inside it; and what lies
 * in another mount namespace (through /proc/1/root, say) is refused by mount(2) itself.
 */
import {
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_BIND,
  MS_RDONLY,
  MS_REC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../native-bindings/constants.ts";
import { ENODEV, ENOENT, ENOTDIR } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import { MOUNT_ATTR_BYTES, mountAttr, sharedSlot } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitUnlessNull } from "./null-device.ts";

/**
 * Covers files with the host's /dev/null and directories with an empty, read-only tmpfs, the same for all of them.
 *
 * The source is a name below the old root, which is the working directory until detach-old-root: what the image or a racing
 * process makes of the container's own /dev/null has no part in it (CVE-2025-31133).
 */
export interface MaskPaths extends Step {
  readonly kind: "mask-paths";
  readonly paths: readonly string[];
  /** SELinux label of the tmpfs. */
  readonly label: string | undefined;
}

export const maskPaths: StepKind<MaskPaths> = {
  kind: "mask-paths",
  emit(c, { paths, label }) {
    const { p } = c;
    const { mount } = p.nr;
    const hostNull = p.string("dev/null");
    const tmpfs = p.string("tmpfs");
    const empty = p.string(`nr_blocks=1,nr_inodes=1${label === undefined ? "" : `,context="${label}"`}`);
    const result = p.slot("mask");
    const tree = p.slot("mask_mount");
    // Until there is a tmpfs to clone: a number that no descriptor has.
    const first = p.slot("mask_directory", NO_DESCRIPTOR);
    const cloneFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    const moveFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
    p.call(p.nr.fchdir, load(sharedSlot(c, "old_root")));
    emitCheckNull(c, hostNull);
    for (let i = 0; i < paths.length; i++) {
      const path = p.string(paths[i]!);
      const next = p.label();
      p.call(mount, hostNull, path, 0, MS_BIND, 0).save(result).onZero(next).ignoreError();
      // Only a missing destination may be skipped.
      p.jumpIfErrno(result, ENOENT, next);
      // ENOTDIR: it is a directory. Whatever else it was, this fails for the same reason.
      const own = p.label();
      p.call(p.nr.open_tree, load(first), p.string(""), cloneFlags).save(tree).onError(own);
      p.call(p.nr.move_mount, load(tree), p.string(""), AT_FDCWD, path, moveFlags).onZero(next);
      p.place(own);
      p.call(mount, tmpfs, path, tmpfs, MS_RDONLY, empty);
      p.call(p.nr.openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC).save(first);
      p.place(next);
    }
  },
  describe: ({ paths }) => `mask ${paths.join(" ")}`,
  failure: () => "unable to mask path",
  hint: (_, errno) =>
    errno === ENOTDIR
      ? "a masked path leads through a file that is no directory"
      : errno === ENOENT || errno === ENODEV
        ? "the host's /dev/null, which files are masked with, is not there or is something else"
        : "every masked path that exists must be masked",
};

/** What a missing source and a missing destination say is the same, and only the second may be passed over. */
function emitCheckNull(c: Compilation, hostNull: number): void {
  emitUnlessNull(c, AT_FDCWD, hostNull, 0, () => c.p.raise(ENODEV));
}

const NO_DESCRIPTOR = 0x7fffffff;

/** Makes paths read-only: each becomes a mount of its own, without what the mount above allows. */
export interface ReadonlyPaths extends Step {
  readonly kind: "readonly-paths";
  readonly paths: readonly string[];
}

export const readonlyPaths: StepKind<ReadonlyPaths> = {
  kind: "readonly-paths",
  emit(c, { paths }) {
    const { p } = c;
    const attr = mountAttr(c, MOUNT_ATTR_RDONLY, 0);
    const result = p.slot("readonly");
    for (let i = 0; i < paths.length; i++) {
      const path = p.string(paths[i]!);
      const bound = p.label();
      const next = p.label();
      p.call(p.nr.mount, path, path, 0, MS_BIND | MS_REC, 0)
        .save(result)
        .onZero(bound)
        .ignoreError();
      p.jumpIfErrno(result, ENOENT, next);
      p.xor(load(result), 0);
      p.place(bound);
      // Flags are added to those that are there, so locked ones (user namespaces) stay. runc is not recursive here either.
      p.call(p.nr.mount_setattr, AT_FDCWD, path, 0, attr, MOUNT_ATTR_BYTES);
      p.place(next);
    }
  },
  describe: ({ paths }) => `make ${paths.join(" ")} read-only`,
  failure: () => "error making path read-only",
};

/** Makes a mount read-only at the end, when what belongs in it is there. */
export interface MakeReadonly extends Step {
  readonly kind: "make-readonly";
  /** Name of the mount's descriptor; undefined: the root. */
  readonly mount: string | undefined;
  readonly path: string;
}

export const makeReadonly: StepKind<MakeReadonly> = {
  kind: "make-readonly",
  emit(c, { mount }) {
    const { p } = c;
    const fd = load(mount === undefined ? c.rootfs : sharedSlot(c, mount));
    const attr = mountAttr(c, MOUNT_ATTR_RDONLY, 0);
    p.call(p.nr.mount_setattr, fd, p.string(""), AT_EMPTY_PATH, attr, MOUNT_ATTR_BYTES);
  },
  describe: ({ path }) => `make ${path} read-only`,
  failure: ({ path }) => (path === "/" ? "error setting rootfs as readonly" : `error remounting ${path} read-only`),
};
