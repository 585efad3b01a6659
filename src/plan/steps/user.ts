import { AT_EMPTY_PATH } from "../../../native-bindings/constants.ts";
import type { Step, StepKind } from "../step.ts";

/** process.user: supplementary groups, group, user. setresuid(2). */
export interface BecomeUser extends Step {
  readonly kind: "become-user";
  readonly uid: number;
  readonly gid: number;
  /** Exactly these: the caller's groups are dropped. Undefined: as they are, where setgroups(2) is denied or they are asked for. */
  readonly groups: readonly number[] | undefined;
  /** Standard descriptors that must belong to the user, so that it can open /dev/stdout again. */
  readonly ownedStdio: readonly number[];
}

export const becomeUser: StepKind<BecomeUser> = {
  kind: "become-user",
  emit({ p }, { uid, gid, groups, ownedStdio }) {
    // Not every file can change hands (a file on a read-only file system, another user's): that is no reason to fail.
    for (const fd of ownedStdio) p.call(p.nr.fchownat, fd, p.string(""), uid, -1, AT_EMPTY_PATH).ignoreError();
    if (groups !== undefined) p.call(p.nr.setgroups, groups.length, groups.length === 0 ? 0 : p.constantWords(groups));
    p.call(p.nr.setresgid, gid, gid, gid);
    p.call(p.nr.setresuid, uid, uid, uid);
  },
  describe: ({ uid, gid, groups }) =>
    `become uid ${uid}, gid ${gid}${groups !== undefined && groups.length > 0 ? `, groups ${groups.join(" ")}` : ""}`,
  failure: ({ uid, gid }, errno) =>
    errno === 22
      ? `cannot setuid to unmapped uid ${uid} or gid ${gid} in user namespace`
      : `unable to become uid ${uid}, gid ${gid}`,
};
