import { CLONE_INTO_CGROUP_HIGH, CLONE_PARENT, PR_SET_DUMPABLE } from "../../../native-bindings/constants.ts";
import { EBUSY, EOPNOTSUPP } from "../../../native-bindings/errno.ts";
import { load } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";

/**
 * Makes init, in all the new namespaces at once, as a child of the runtime (CLONE_PARENT): whoever the runtime leaves behind
 * reaps it. A pid namespace holds children only, so this clone is needed for joined ones too. clone(2).
 */
export interface CloneInit extends Step {
  readonly kind: "clone-init";
  /** CLONE_NEW* of the new namespaces, without user and time. */
  readonly namespaces: number;
  readonly names: readonly string[];
  /** cgroup v2: born in the cgroup whose directory is given as "cgroup". */
  readonly intoCgroup: boolean;
}

const CLONE_ARGS_BYTES = 88;

export const cloneInit: StepKind<CloneInit> = {
  kind: "clone-init",
  emit(c, step) {
    const { p } = c;
    const message = p.dataWords([Message.Cloned, 0, 0]);
    const init = p.label();
    // struct clone_args, 88 bytes: flags at 0, exit_signal at 32 (with CLONE_PARENT it must be 0), cgroup at 80.
    const args = new Int32Array(CLONE_ARGS_BYTES / 4);
    args[0] = CLONE_PARENT | step.namespaces;
    if (step.intoCgroup) {
      args[1] = CLONE_INTO_CGROUP_HIGH;
      args[20] = c.given.cgroup!;
    }
    // Inherited by init: processes that are in its namespaces already cannot look into it (CVE-2016-9962).
    p.call(p.nr.prctl, PR_SET_DUMPABLE, 0);
    p.slotNames.set(message + 4, "init");
    const cloned = p.label();
    const failed = p.label();
    p.call(p.nr.clone3, p.constant(new Uint8Array(args.buffer)), CLONE_ARGS_BYTES)
      .save(message + 4)
      .onZero(init)
      .onError(step.intoCgroup ? failed : p.fail);
    p.place(cloned);
    p.call(p.nr.write, c.sync, message, 12);
    p.call(p.nr.exit_group, 0);
    p.place(failed);
    if (step.intoCgroup) {
      // A cgroup2 that can't hold processes (it has controllers for its children): init stays in the runtime's.
      const again = p.label();
      p.jumpIfErrno(message + 4, EBUSY, again).ignoreError();
      p.jumpIfErrno(message + 4, EOPNOTSUPP, again).ignoreError();
      p.xor(load(message + 4), 0);
      p.place(again);
      const without = new Int32Array(CLONE_ARGS_BYTES / 4);
      without[0] = args[0]!;
      p.call(p.nr.clone3, p.constant(new Uint8Array(without.buffer)), CLONE_ARGS_BYTES)
        .save(message + 4)
        .onZero(init);
      p.jump(cloned);
    }
    p.place(init);
  },
  describe: (step) =>
    `clone init${step.names.length > 0 ? ` into new ${step.names.join(", ")} namespaces` : ""}${step.intoCgroup ? ", born in its cgroup" : ""}`,
  failure: (step) => `unable to clone init into new namespaces (${step.names.join(", ")})`,
  hint: (_, errno) => {
    if (errno === 11) return "a pids limit of the container's cgroup or of the user is reached";
    if (errno === 28) return "a limit in /proc/sys/user is reached";
    return undefined;
  },
};
