import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSMOUNT_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
} from "../../../native-bindings/constants.ts";
import { EBUSY, EPERM } from "../../../native-bindings/errno.ts";
import { load } from "../../program/builder.ts";
import type { FilesystemOption } from "../mount-options.ts";
import { emptyPath, MOUNT_ATTR_BYTES, mountAttr, sharedSlot } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitClone } from "./bind-mount.ts";
import { emitFilesystem, emitPropagation, mountFailure } from "./mount-filesystem.ts";
import { emitAttach, emitMountPoint, type MountPoint } from "./mount-point.ts";

interface MountCgroups extends Step {
  readonly source: string;
  readonly type: string;
  readonly destination: string;
  readonly point: MountPoint;
  readonly attributes: number;
  readonly propagation: readonly number[];
  readonly tidy: boolean;
}

/** One directory below /sys/fs/cgroup. */
export interface HierarchyMount {
  /** "cpu,cpuacct", "memory", "systemd" */
  readonly name: string;
  /** The container's own cgroup in it, on the host; undefined: a fresh mount, rooted at the cgroup namespace. */
  readonly directory: string | undefined;
  readonly source: string;
  readonly data: readonly FilesystemOption[];
  /** Names that are symbolic links to it: the single controllers of a co-mounted hierarchy. */
  readonly links: readonly string[];
}

/** cgroup v1: a tmpfs with a directory for each hierarchy. */
export interface MountCgroupsV1 extends MountCgroups {
  readonly kind: "mount-cgroups-v1";
  readonly hierarchies: readonly HierarchyMount[];
  /** SELinux label of the tmpfs. */
  readonly label: string | undefined;
}

export const mountCgroupsV1: StepKind<MountCgroupsV1> = {
  kind: "mount-cgroups-v1",
  emit(c, step) {
    const { p } = c;
    const fs = sharedSlot(c, "fs");
    const top = sharedSlot(c, "cgroup");
    const target = emitMountPoint(c, step.point);
    const data: FilesystemOption[] = [{ key: "mode", value: "755" }];
    if (step.label !== undefined) data.push({ key: "context", value: step.label });
    emitFilesystem(c, { type: "tmpfs", source: "tmpfs", data }, fs);
    p.call(p.nr.fsmount, load(fs), FSMOUNT_CLOEXEC, 0).save(top);
    emitPropagation(c, top, step.propagation);
    // Attached before it is filled: kernels before 6.15 don't mount on what is detached.
    emitAttach(c, top, target);
    for (const hierarchy of step.hierarchies) emitHierarchy(c, hierarchy, step.tidy);
    const attr = mountAttr(c, step.attributes, 0);
    p.call(p.nr.mount_setattr, load(top), emptyPath(p), AT_EMPTY_PATH | AT_RECURSIVE, attr, MOUNT_ATTR_BYTES);
  },
  describe: ({ destination, hierarchies }) =>
    `mount a tmpfs on ${destination} and in it the cgroup hierarchies ${hierarchies.map(({ name }) => name).join(" ")}`,
  failure: mountFailure,
};

function emitHierarchy(c: Compilation, hierarchy: HierarchyMount, tidy: boolean): void {
  const { p } = c;
  const top = load(sharedSlot(c, "cgroup"));
  const mount = sharedSlot(c, "mount");
  const name = p.string(hierarchy.name);
  p.call(p.nr.mkdirat, top, name, 0o755);
  if (hierarchy.directory === undefined) {
    const fs = sharedSlot(c, "fs");
    emitFilesystem(c, { type: "cgroup", source: hierarchy.source, data: hierarchy.data }, fs);
    p.call(p.nr.fsmount, load(fs), FSMOUNT_CLOEXEC, 0).save(mount);
    if (tidy) p.call(p.nr.close, load(fs));
  } else {
    emitClone(c, hierarchy.directory, false, mount);
  }
  p.call(p.nr.move_mount, load(mount), emptyPath(p), top, name, MOVE_MOUNT_F_EMPTY_PATH);
  if (tidy) p.call(p.nr.close, load(mount));
  for (const link of hierarchy.links) p.call(p.nr.symlinkat, name, top, p.string(link));
}

/** cgroup v2. Where the kernel refuses a new mount of it (EPERM, EBUSY), the directory of the host is bound. */
export interface MountCgroup2 extends MountCgroups {
  readonly kind: "mount-cgroup2";
  readonly data: readonly FilesystemOption[];
  /** The container's own cgroup with a cgroup namespace, else the host's /sys/fs/cgroup. */
  readonly fallback: string;
}

export const mountCgroup2: StepKind<MountCgroup2> = {
  kind: "mount-cgroup2",
  emit(c, step) {
    const { p } = c;
    const fs = sharedSlot(c, "fs");
    const mount = sharedSlot(c, "mount");
    const result = p.slot("cgroup2");
    const refused = p.label();
    const bind = p.label();
    const attach = p.label();
    const target = emitMountPoint(c, step.point);
    emitFilesystem(c, { type: "cgroup2", source: step.source, data: step.data }, fs);
    // Creating it is the last operation so far, and with fsmount the one that a lack of privilege shows in.
    p.save(result).onError(refused);
    p.call(p.nr.fsmount, load(fs), FSMOUNT_CLOEXEC, step.attributes).save(result).onError(refused);
    p.xor(load(result), 0).save(mount);
    p.jump(attach);
    p.place(refused);
    p.jumpIfErrno(result, EPERM, bind);
    p.jumpIfErrno(result, EBUSY, bind);
    p.jump(p.fail);
    p.place(bind);
    emitClone(c, step.fallback, true, mount);
    const attr = mountAttr(c, step.attributes, 0);
    p.call(p.nr.mount_setattr, load(mount), emptyPath(p), AT_EMPTY_PATH, attr, MOUNT_ATTR_BYTES);
    p.place(attach);
    emitPropagation(c, mount, step.propagation);
    emitAttach(c, mount, target);
  },
  describe: ({ destination, fallback }) => `mount cgroup2 on ${destination}, or bind ${fallback} where that is refused`,
  failure: mountFailure,
};
