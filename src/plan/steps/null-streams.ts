import {
  AT_EMPTY_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../../native-bindings/constants.ts";
import { EINVAL } from "../../../native-bindings/errno.ts";
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_PATH, O_RDWR } from "../../../native-bindings/files.ts";
import { type Label, load, type Slot } from "../../program/builder.ts";
import { emptyPath, OPEN_HOW_BYTES, openHow, sharedSlot, sharedSpace } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitUnlessNull } from "./null-device.ts";

/**
 * Standard streams that are the host's /dev/null become the container's: nothing of the host's is left to the container, and
 * /dev/stdout can be opened again where the host's can't be reached.
 *
 * The caller's are known to be the character device 1:3; so must the container's be, or a program's output would go to
 * whatever an image has put there (CVE-2026-88265).
 */
export interface NullStreams extends Step {
  readonly kind: "null-streams";
  readonly fds: readonly number[];
  /** The node was made a moment ago in a /dev that nobody else can have filled. */
  readonly fresh: boolean;
}

const F_SETFL = 4;
/** Any block device answers it, /dev/null doesn't. The block device 1:3 is a RAM disk. */
const BLKSSZGET = 0x1268;

export const nullStreams: StepKind<NullStreams> = {
  kind: "null-streams",
  emit(c, { fds, fresh }) {
    const { p } = c;
    const stream = p.slot("null");
    if (fresh) p.call(p.nr.openat, load(sharedSlot(c, "dev")), p.string("null"), O_RDWR | O_CLOEXEC).save(stream);
    else emitOpenVerified(c, stream);
    for (const fd of fds) p.call(p.nr.dup3, load(stream), fd, 0);
    p.call(p.nr.close, load(stream));
  },
  describe: ({ fds }) => `open the container's /dev/null for the standard streams ${fds.join(", ")}`,
  failure: (_, errno) =>
    errno === EINVAL ? "container's /dev/null is invalid" : "error reopening /dev/null inside container",
};

/** Looked at before it is opened, which with another device may have consequences; and afterwards, for it may be another then. */
function emitOpenVerified(c: Compilation, stream: Slot): void {
  const { p } = c;
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const path = p.string("dev/null");
  const other = p.label();
  const genuine = p.label();
  const look = openHow(c, O_PATH | O_CLOEXEC, resolve);
  p.call(p.nr.openat2, load(c.rootfs), path, look, OPEN_HOW_BYTES).save(stream);
  emitCompare(c, stream, other);
  p.call(p.nr.close, load(stream));
  const use = openHow(c, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, resolve);
  p.call(p.nr.openat2, load(c.rootfs), path, use, OPEN_HOW_BYTES).save(stream);
  emitCompare(c, stream, other);
  p.call(p.nr.ioctl, load(stream), BLKSSZGET, sharedSpace(c, "sector", 8)).onError(genuine);
  p.place(other);
  p.raise(EINVAL);
  p.place(genuine);
  // Not the program's concern.
  p.call(p.nr.fcntl, load(stream), F_SETFL, 0);
}

function emitCompare(c: Compilation, fd: Slot, other: Label): void {
  emitUnlessNull(c, load(fd), emptyPath(c.p), AT_EMPTY_PATH, () => c.p.jump(other));
}
