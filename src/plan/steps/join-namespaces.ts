import { CLONE_NEWUSER, PR_SET_DUMPABLE } from "../../../native-bindings/constants.ts";
import { load } from "../../program/builder.ts";
import type { Step, StepKind } from "../step.ts";

/** One namespace to join: its descriptor is given as `ns:TYPE`. */
export interface JoinedNamespace {
  readonly type: string;
  /** CLONE_NEW* */
  readonly flag: number;
  readonly path: string;
  /** JSON Pointer of its path. */
  readonly from: string;
}

/**
 * Enters the namespaces that the config names by path. The user namespace comes in the middle: what the host's root may join
 * but the container's root may not is joined before it, what needs the container's root after it (as runc does).
 */
export interface JoinNamespaces extends Step {
  readonly kind: "join-namespaces";
  /** False where the caller's supplementary groups are asked for. */
  readonly dropGroups: boolean;
  readonly namespaces: readonly JoinedNamespace[];
}

export const joinNamespaces: StepKind<JoinNamespaces> = {
  kind: "join-namespaces",
  emit({ p, given }, step) {
    const user = step.namespaces.find((namespace) => namespace.flag === CLONE_NEWUSER);
    const others = step.namespaces.filter((namespace) => namespace !== user);
    // A process inside must not be able to look at this one (CVE-2016-9962).
    p.call(p.nr.prctl, PR_SET_DUMPABLE, 0);
    if (user === undefined) {
      for (const namespace of others) p.call(p.nr.setns, given[`ns:${namespace.type}`]!, namespace.flag);
      return;
    }
    const results = others.map((namespace) => {
      const result = p.slot(`joined_${namespace.type}`);
      p.call(p.nr.setns, given[`ns:${namespace.type}`]!, namespace.flag).save(result).ignoreError();
      return result;
    });
    p.call(p.nr.setns, given["ns:user"]!, CLONE_NEWUSER);
    // Joining gives the namespace's capabilities, but the ids are whatever the mapping makes of the host's.
    if (step.dropGroups) p.call(p.nr.setgroups, 0, 0).ignoreError();
    p.call(p.nr.setresgid, 0, 0, 0);
    p.call(p.nr.setresuid, 0, 0, 0);
    for (let i = 0; i < others.length; i++) {
      const done = p.label();
      p.xor(load(results[i]!), 0).onZero(done).ignoreError();
      p.call(p.nr.setns, given[`ns:${others[i]!.type}`]!, others[i]!.flag);
      p.place(done);
    }
  },
  describe: (step) => `join ${step.namespaces.map((n) => `${n.type} ${n.path}`).join(", ")}`,
  failure: (step) => `unable to join namespaces ${step.namespaces.map((n) => `${n.type}:${n.path}`).join(", ")}`,
};
