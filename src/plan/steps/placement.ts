import { CLONE_NEWCGROUP } from "../../../native-bindings/constants.ts";
import { ENOENT } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../../../native-bindings/files.ts";
import { type Label, load, type ProgramBuilder, type Slot } from "../../program/builder.ts";
import type { Step, StepKind } from "../step.ts";
import { awaitByte } from "./begin.ts";

/**
 * The process moves itself into the container's cgroup, by "0" in each hierarchy's file. cgroups(7).
 *
 * Moving another process, or one of several threads, takes a lock that waits for every processor (an RCU grace period): 10 to
 * 20 ms on a quiet machine. A thread that moves itself, by `tasks` of cgroup v1, does not take it since Linux 5.11.
 */
export interface PlaceSelf extends Step {
  readonly kind: "place-self";
  readonly files: readonly {
    readonly file: string;
    /** A refusal is no error: nothing is limited there. */
    readonly optional: boolean;
    /** It may not be there, for want of permission to make it. Where it is, it has limits, and a refusal would lose them. */
    readonly mayBeAbsent?: boolean;
  }[];
}

export const placeSelf: StepKind<PlaceSelf> = {
  kind: "place-self",
  emit({ p }, { files }) {
    const fd = p.slot("tasks");
    const zero = p.string("0");
    for (const { file, optional, mayBeAbsent } of files) {
      const next = p.label();
      const opened = p.label();
      p.call(p.nr.openat, AT_FDCWD, p.string(file), O_WRONLY | O_CLOEXEC).save(fd);
      if (optional) p.onError(next);
      else if (mayBeAbsent) skipIfAbsent(p, fd, opened, next);
      p.place(opened);
      p.call(p.nr.write, load(fd), zero, 1);
      if (optional) p.ignoreError();
      p.call(p.nr.close, load(fd));
      p.place(next);
    }
  },
  describe: ({ files }) =>
    `move into the container's cgroup (${files.length} ${files.length === 1 ? "hierarchy" : "hierarchies"})`,
  failure: () => "unable to apply cgroup configuration: failed to move into the container's cgroup",
};

function skipIfAbsent(p: ProgramBuilder, fd: Slot, opened: Label, absent: Label): void {
  const refused = p.label();
  p.onError(refused);
  p.jump(opened);
  p.place(refused);
  p.jumpIfErrno(fd, ENOENT, absent);
  p.jump(p.fail);
}

/** The runtime makes the cgroup while this process comes into being; here it must be there, limits and all. */
export interface AwaitCgroup extends Step {
  readonly kind: "await-cgroup";
}

export const awaitCgroup: StepKind<AwaitCgroup> = {
  kind: "await-cgroup",
  emit: awaitByte,
  describe: () => "wait until the runtime has made the cgroup",
};

/** Once in the cgroup: what is its root from now on is the container's cgroup. cgroup_namespaces(7). */
export interface NewCgroupNamespace extends Step {
  readonly kind: "new-cgroup-namespace";
}

export const newCgroupNamespace: StepKind<NewCgroupNamespace> = {
  kind: "new-cgroup-namespace",
  emit({ p }) {
    p.call(p.nr.unshare, CLONE_NEWCGROUP);
  },
  describe: () => "make a cgroup namespace, rooted in the container's cgroup",
};
