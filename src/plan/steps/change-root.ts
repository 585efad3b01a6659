import { MNT_DETACH, MS_MOVE, MS_REC, MS_SLAVE } from "../../../native-bindings/constants.ts";
import { EBUSY, EINVAL, EPERM } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import { sharedSlot } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";

/**
 * Makes the container's root the root of the process.
 *
 * - `pivot`: pivot_root(".", "."), which puts the old root on top of the new one; detach-old-root takes it away.
 * - `move`: `--no-pivot`, for a host whose root is an initramfs: the root is moved over "/", and chroot(2) follows it.
 * - `chroot`: there is no mount namespace.
 */
export interface ChangeRoot extends Step {
  readonly kind: "change-root";
  readonly by: "pivot" | "move" | "chroot";
  /** `move`: mounts of proc and sysfs on the host, the last made first, which would show through. */
  readonly hostMounts: readonly string[];
}

export const changeRoot: StepKind<ChangeRoot> = {
  kind: "change-root",
  emit(c, { by, hostMounts }) {
    const { p } = c;
    const here = p.string(".");
    if (by !== "chroot") {
      const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
      p.call(p.nr.openat, AT_FDCWD, p.string("/"), flags).save(sharedSlot(c, "old_root"));
    }
    if (by === "move") emitHideHost(c, hostMounts);
    p.call(p.nr.fchdir, load(c.rootfs));
    if (by === "pivot") {
      p.call(p.nr.pivot_root, here, here);
      return;
    }
    if (by === "move") p.call(p.nr.mount, here, p.string("/"), 0, MS_MOVE, 0);
    p.call(p.nr.chroot, here);
    p.call(p.nr.chdir, p.string("/"));
  },
  describe: ({ by }) =>
    by === "pivot"
      ? "make the container's root the root, by pivot_root"
      : `make the container's root the root, by ${by === "move" ? "moving it over / and chroot" : "chroot"}`,
  failure: ({ by }) =>
    by === "pivot" ? "error jailing process inside rootfs: pivot_root" : "error jailing process inside rootfs",
  hint: ({ by }, errno) =>
    by === "pivot" && (errno === EINVAL || errno === EBUSY)
      ? "a host whose root is an initramfs can't pivot_root; --no-pivot is for that"
      : undefined,
};

/** A procfs or sysfs without masks must not stay reachable in the namespace. What is locked can't be unmounted: it is covered. */
function emitHideHost(c: Compilation, hostMounts: readonly string[]): void {
  const { p } = c;
  const result = p.slot("hide");
  for (const mountPoint of hostMounts) {
    const path = p.string(mountPoint);
    const cover = p.label();
    const next = p.label();
    p.call(p.nr.mount, 0, path, 0, MS_SLAVE | MS_REC, 0).ignoreError();
    p.call(p.nr.umount2, path, MNT_DETACH).save(result).onZero(next).ignoreError();
    p.jumpIfErrno(result, EINVAL, cover);
    p.jumpIfErrno(result, EPERM, cover);
    p.xor(load(result), 0);
    p.place(cover);
    p.call(p.nr.mount, p.string("tmpfs"), path, p.string("tmpfs"), 0, 0);
    p.place(next);
  }
}

/** The last that is seen of the host's mounts. */
export interface DetachOldRoot extends Step {
  readonly kind: "detach-old-root";
  /** Mounts may still be shared with the host, which must not see them go. */
  readonly shared: boolean;
  /** After `--no-pivot` the old root lies under the new one and can't be detached; only the working directory leaves it. */
  readonly detach: boolean;
}

export const detachOldRoot: StepKind<DetachOldRoot> = {
  kind: "detach-old-root",
  emit(c, { shared, detach }) {
    const { p } = c;
    const oldRoot = load(sharedSlot(c, "old_root"));
    if (detach) {
      const here = p.string(".");
      p.call(p.nr.fchdir, oldRoot);
      if (shared) p.call(p.nr.mount, 0, here, 0, MS_SLAVE | MS_REC, 0);
      p.call(p.nr.umount2, here, MNT_DETACH);
    }
    p.call(p.nr.chdir, p.string("/"));
    p.call(p.nr.close, oldRoot);
  },
  describe: () => "detach the old root",
  failure: () => "error jailing process inside rootfs: unmount old root",
};

/** The process's working directory is made when it is missing, inside the container's root. */
export interface MakeWorkingDirectory extends Step {
  readonly kind: "make-working-directory";
  readonly path: string;
}

export const makeWorkingDirectory: StepKind<MakeWorkingDirectory> = {
  kind: "make-working-directory",
  emit({ p }, { path }) {
    // What can't be made is found out by entering it.
    for (let slash = path.indexOf("/", 1); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      p.call(p.nr.mkdirat, AT_FDCWD, p.string(path.slice(0, slash)), 0o755).ignoreError();
    }
    p.call(p.nr.mkdirat, AT_FDCWD, p.string(path), 0o755).ignoreError();
  },
  describe: ({ path }) => `make the working directory ${path} if it is missing`,
};
