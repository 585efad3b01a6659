import {
  AT_RECURSIVE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../native-bindings/constants.ts";
import { EINVAL, ENOENT } from "../../../native-bindings/errno.ts";
import { AT_FDCWD } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import { emptyPath } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitPropagation } from "./mount-filesystem.ts";

/**
 * Cuts the mount namespace off from the host's, so that what is mounted from here on stays inside (unless shared propagation
 * was asked for), and makes the root file system a mount of its own, which pivot_root(2) demands.
 *
 * Without a mount namespace the container's mounts are the host's: they all lie on that one mount, which `delete` takes away.
 */
export interface RootFilesystem extends Step {
  readonly kind: "root-filesystem";
  /** Physical, on the host. */
  readonly path: string;
  /** MS_* for "/": MS_SLAVE|MS_REC unless linux.rootfsPropagation says otherwise. */
  readonly propagation: number;
  /** There is a mount namespace of the container's own. */
  readonly ownNamespace: boolean;
  /** The root is made a mount of its own: in its namespace always, in the host's if anything is to be mounted on it. */
  readonly ownMount: boolean;
}

/** True when after mount(2) with these flags no mount at all is shared any longer. */
export function cutsOff(propagation: number): boolean {
  return (propagation & MS_REC) !== 0 && (propagation & (MS_SLAVE | MS_PRIVATE)) !== 0;
}

export const rootFilesystem: StepKind<RootFilesystem> = {
  kind: "root-filesystem",
  emit(c, step) {
    const { p } = c;
    const path = p.string(step.path);
    if (!step.ownMount) {
      // The process is only locked in by chroot.
      p.call(p.nr.open_tree, AT_FDCWD, path, OPEN_TREE_CLOEXEC).save(c.rootfs);
      return;
    }
    // The host's own mounts are not ours to change.
    if (step.ownNamespace) p.call(p.nr.mount, 0, p.string("/"), 0, step.propagation, 0);
    if (step.ownNamespace && !cutsOff(step.propagation)) emitUnshareParent(c, step);
    p.call(p.nr.open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE).save(c.rootfs);
    // What is mounted on it must not come up in what it is a copy of.
    if (!step.ownNamespace) emitPropagation(c, c.rootfs, [MS_PRIVATE | MS_REC]);
    // The descriptor goes with the mount: from here on it is the container's root.
    p.call(p.nr.move_mount, load(c.rootfs), emptyPath(p), AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
  },
  describe: ({ path, ownNamespace, ownMount }) => {
    if (!ownMount) return `open the root file system ${path}`;
    const cut = ownNamespace ? "cut mount propagation to the host and " : "";
    return `${cut}mount the root file system ${path} on itself${ownNamespace ? "" : ", in the host's mount namespace"}`;
  },
  failure: ({ path }) => `error preparing rootfs ${JSON.stringify(path)}`,
  hint: ({ path }, errno) => (errno === ENOENT ? `${path} went away after the config was read` : undefined),
};

/** The mount that the root file system lies on must not be shared, or pivot_root is EINVAL and mounts leak to the host. */
function emitUnshareParent(c: Compilation, step: RootFilesystem): void {
  const { p } = c;
  const result = p.slot("unshare_parent");
  const done = p.label();
  const flag = step.propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
  // What is not a mount point is EINVAL; "/" always is one.
  for (let path = step.path; ; path = path.slice(0, path.lastIndexOf("/")) || "/") {
    const above = p.label();
    p.call(p.nr.mount, 0, p.string(path), 0, flag, 0).save(result).onZero(done).ignoreError();
    p.jumpIfErrno(result, EINVAL, above);
    p.xor(load(result), 0);
    p.place(above);
    if (path === "/") break;
  }
  p.raise(EINVAL);
  p.place(done);
}

/** The working directory for createContainer hooks: the container's root as the runtime sees it. */
export interface EnterRoot extends Step {
  readonly kind: "enter-root";
}

export const enterRoot: StepKind<EnterRoot> = {
  kind: "enter-root",
  emit(c) {
    c.p.call(c.p.nr.fchdir, load(c.rootfs));
  },
  describe: () => "change directory to the container's root, for its hooks",
};

/** Propagation that pivot_root would have refused, or the cut undone: set once the root is the container's. */
export interface RootPropagation extends Step {
  readonly kind: "root-propagation";
  readonly propagation: number;
}

export const rootPropagation: StepKind<RootPropagation> = {
  kind: "root-propagation",
  emit({ p }, { propagation }) {
    p.call(p.nr.mount, 0, p.string("/"), 0, propagation, 0);
  },
  describe: ({ propagation }) =>
    `make / ${propagation & MS_REC ? "r" : ""}${propagation & MS_SHARED ? "shared" : "unbindable"}`,
  failure: () => "error applying rootfsPropagation",
};
