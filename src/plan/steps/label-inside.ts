import {
  AT_EMPTY_PATH,
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  PROC_SUPER_MAGIC,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from "../../../native-bindings/constants.ts";
import { EINVAL } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_WRONLY } from "../../../native-bindings/files.ts";
import { type Label, load, type Slot } from "../../program/builder.ts";
import { emptyPath, OPEN_HOW_BYTES, openHow, sharedSlot, sharedSpace } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import type { LabellingModule } from "./security-label.ts";

/**
 * Opens the file that takes the label, from inside a container that is there: its /proc may be anything, or nothing. So it is
 * a procfs of this process's own, mounted nowhere; where that is refused (in a user namespace, when the container's is partly
 * hidden), the container's, if it is the genuine root of one, and without crossing what may be mounted in it (CVE-2019-16884).
 */
export interface OpenLabelInside extends Step {
  readonly kind: "open-label-inside";
  readonly module: LabellingModule;
}

const STATFS_BYTES = 120;
const STATX_BYTES = 256;
const STATX_BASIC_STATS = 0x7ff;
const STX_INO = 32;
/** Of the root directory of every procfs. */
const PROC_ROOT_INO = 1;

export const openLabelInside: StepKind<OpenLabelInside> = {
  kind: "open-label-inside",
  emit(c, { module }) {
    const { p } = c;
    const proc = sharedSlot(c, "proc");
    emitOpenProc(c, proc);
    const file = sharedSlot(c, `label_${module}`);
    const path = module === "apparmor" ? "self/attr/apparmor/exec" : "self/attr/exec";
    const how = openHow(c, O_WRONLY | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
    p.call(p.nr.openat2, load(proc), p.string(path), how, OPEN_HOW_BYTES).save(file);
    p.call(p.nr.close, load(proc));
  },
  describe: ({ module }) => `open the file of a genuine /proc that takes the ${module} label`,
};

function emitOpenProc(c: Compilation, proc: Slot): void {
  const { p } = c;
  const fs = sharedSlot(c, "fs");
  const containers = p.label();
  const opened = p.label();
  p.call(p.nr.fsopen, p.string("proc"), FSOPEN_CLOEXEC).save(fs).onError(containers);
  p.call(p.nr.fsconfig, load(fs), FSCONFIG_CMD_CREATE, 0, 0, 0).onError(containers);
  p.call(p.nr.fsmount, load(fs), FSMOUNT_CLOEXEC, 0).save(proc).onError(containers);
  p.jump(opened);
  p.place(containers);
  p.call(p.nr.openat, AT_FDCWD, p.string("/proc"), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC).save(proc);
  emitCheckProc(c, proc, opened);
  p.place(opened);
}

/** Fails unless it is the root directory of a procfs. */
function emitCheckProc(c: Compilation, proc: Slot, genuine: Label): void {
  const { p } = c;
  const other = p.label();
  const isProc = p.label();
  const statfs = sharedSpace(c, "statfs", STATFS_BYTES);
  p.call(p.nr.fstatfs, load(proc), statfs);
  p.xor(load(statfs), PROC_SUPER_MAGIC).onZero(isProc).ignoreError();
  p.jump(other);
  p.place(isProc);
  const statx = sharedSpace(c, "statx", STATX_BYTES);
  p.call(p.nr.statx, load(proc), emptyPath(p), AT_EMPTY_PATH, STATX_BASIC_STATS, statx);
  p.xor(load(statx + STX_INO), PROC_ROOT_INO)
    .onZero(genuine)
    .ignoreError();
  p.place(other);
  p.raise(EINVAL);
}
