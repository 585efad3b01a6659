import { CLONE_NEWUSER } from "../../../native-bindings/constants.ts";
import { EINVAL, ENOSPC, EPERM } from "../../../native-bindings/errno.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { awaitByte } from "./begin.ts";

/** Makes the user namespace, has the runtime write its maps, and becomes its root. user_namespaces(7). */
export interface NewUserNamespace extends Step {
  readonly kind: "new-user-namespace";
  /** False where setgroups(2) is denied in it (a single mapping written without privilege), or the groups are asked for. */
  readonly dropGroups: boolean;
}

export const newUserNamespace: StepKind<NewUserNamespace> = {
  kind: "new-user-namespace",
  emit(c, step) {
    const { p } = c;
    p.call(p.nr.unshare, CLONE_NEWUSER);
    p.call(p.nr.write, c.sync, p.constantWords([Message.WantsMaps, 0, 0]), 12);
    awaitByte(c);
    if (step.dropGroups) p.call(p.nr.setgroups, 0, 0);
    p.call(p.nr.setresgid, 0, 0, 0);
    p.call(p.nr.setresuid, 0, 0, 0);
  },
  describe: () => "make a user namespace, have its id maps written, become its root",
  failure: () => "unable to make a user namespace",
  hint: (_, errno) => {
    if (errno === EPERM)
      return "the host may forbid them to ordinary users: see kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns";
    if (errno === ENOSPC) return "raise user.max_user_namespaces";
    if (errno === EINVAL) return "is id 0 of the container mapped?";
    return undefined;
  },
};
