import { ENOSYS } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../../../native-bindings/files.ts";
import { load, type Slot } from "../../program/builder.ts";
import type { Compilation, Step, StepKind } from "../step.ts";

/** A session keyring of its own, so that the caller's keys are not the container's. keyctl(2), session-keyring(7). */
export interface SessionKeyring extends Step {
  readonly kind: "session-keyring";
  readonly name: string;
  /** KEY_USR_SEARCH, or KEY_OTH_SEARCH with a user namespace (as runc gives). Undefined: it is the container's already. */
  readonly search: number | undefined;
  /** SELinux: what the keyring is labelled with, so that the container's process may use it. proc_pid_attr(5), keycreate. */
  readonly label: string | undefined;
}
export const sessionKeyring: StepKind<SessionKeyring> = {
  kind: "session-keyring",
  emit(c, step) {
    const { p } = c;
    const KEYCTL_JOIN_SESSION_KEYRING = 1;
    const KEYCTL_SETPERM = 5;
    /** What the kernel gives a new session keyring: all to its possessor, view, read and link to its user. */
    const KEYRING_PERMISSIONS = 0x3f130000;
    const ring = p.slot("keyring");
    const failed = p.label();
    const done = p.label();
    const attribute = step.label === undefined ? undefined : emitLabel(c, step.label);
    p.call(p.nr.keyctl, KEYCTL_JOIN_SESSION_KEYRING, p.string(step.name)).save(ring).onError(failed);
    if (step.search !== undefined) {
      p.call(p.nr.keyctl, KEYCTL_SETPERM, load(ring), KEYRING_PERMISSIONS | step.search);
    }
    p.jump(done);
    p.place(failed);
    // A kernel without keyrings has none to leak.
    p.jumpIfErrno(ring, ENOSYS, done).ignoreError();
    p.xor(load(ring), 0);
    p.place(done);
    if (attribute === undefined) return;
    // What is made later has no label of ours. An empty one takes it back.
    p.call(p.nr.write, load(attribute), p.string(""), 0).ignoreError();
    p.call(p.nr.close, load(attribute));
  },
  describe: ({ name }) => `join the session keyring ${name}`,
  failure: ({ name }) => `unable to join session keyring ${name}`,
  hint: (_, errno) => (errno === 122 ? "raise kernel.keys.maxkeys, or use --no-new-keyring" : undefined),
};

/** @returns the open file, by which the label is taken back. */
function emitLabel({ p }: Compilation, label: string): Slot {
  const file = p.slot("keycreate");
  p.call(p.nr.openat, AT_FDCWD, p.string("/proc/self/attr/keycreate"), O_WRONLY | O_CLOEXEC).save(file);
  p.call(p.nr.write, load(file), p.string(label), new TextEncoder().encode(label).length);
  return file;
}
