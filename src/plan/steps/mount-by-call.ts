import { MS_BIND, MS_REMOUNT } from "../../../native-bindings/constants.ts";
import { load } from "../../program/builder.ts";
import { sharedSlot } from "../shared-values.ts";
import type { Step, StepKind } from "../step.ts";
import { emitPropagation, mountFailure } from "./mount-filesystem.ts";
import { emitLookup, type MountPoint } from "./mount-point.ts";

/**
 * Mounts by mount(2), for what fsconfig(2) can't say: a value of more than 255 bytes (an overlay's lowerdir) and the option
 * `remount`. The mount point is "." after fchdir to its descriptor, so here too no path is resolved twice.
 */
export interface MountByCall extends Step {
  readonly kind: "mount-by-call";
  readonly type: string;
  readonly source: string;
  readonly destination: string;
  readonly point: MountPoint;
  /** MS_* */
  readonly flags: number;
  /** The options of the file system, with commas. At most a page: mount(2). */
  readonly data: string;
  /** MS_SHARED and its like, in order. */
  readonly propagation: readonly number[];
}

export const mountByCall: StepKind<MountByCall> = {
  kind: "mount-by-call",
  emit(c, step) {
    const { p } = c;
    const target = sharedSlot(c, "target");
    emitLookup(c, step.point, target);
    p.call(p.nr.fchdir, load(target));
    const type = step.flags & (MS_BIND | MS_REMOUNT) ? 0 : p.string(step.type);
    p.call(
      p.nr.mount,
      p.string(step.source),
      p.string("."),
      type,
      step.flags,
      step.data === "" ? 0 : p.string(step.data),
    );
    p.call(p.nr.fchdir, load(c.rootfs));
    p.call(p.nr.close, load(target));
    if (step.propagation.length === 0) return;
    // mount(2) has no descriptor of what it made: it is found again, inside the root.
    emitLookup(c, step.point, target);
    emitPropagation(c, target, step.propagation);
    p.call(p.nr.close, load(target));
  },
  describe: ({ source, type, destination, flags }) =>
    `${flags & MS_REMOUNT ? "remount" : `mount ${JSON.stringify(source)} (type ${type}) on`} ${destination}`,
  failure: mountFailure,
};
