/** How a process comes into a container that is there. */
import {
  CLONE_INTO_CGROUP_HIGH,
  CLONE_PARENT,
  PR_SET_DUMPABLE,
  PR_SET_PDEATHSIG,
} from "../../../native-bindings/constants.ts";
import { EAGAIN, ESRCH } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../native-bindings/files.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { awaitByte } from "./begin.ts";

/**
 * Joins the namespaces of the container's init, which is given as "init", a pidfd: it means that one process, whatever has
 * become of its pid. setns(2).
 *
 * This process stays in the host's pid namespace, where nobody inside sees it. What it holds of the host is closed before it
 * makes the one that they do see: with CAP_SYS_PTRACE they could reach through its descriptors (CVE-2016-9962).
 */
export interface JoinContainer extends Step {
  readonly kind: "join-container";
  /** CLONE_NEW* */
  readonly namespaces: number;
  readonly names: readonly string[];
  /** Without a mount namespace the container is where its root directory is, which is given as "root". */
  readonly changesRoot: boolean;
  /** In a user namespace: the ids are whatever its mapping makes of the host's until they are set. */
  readonly becomesRoot: boolean;
  /** False where the caller's supplementary groups are asked for. */
  readonly dropGroups: boolean;
}

export const joinContainer: StepKind<JoinContainer> = {
  kind: "join-container",
  emit({ p, given }, { namespaces, changesRoot, becomesRoot, dropGroups }) {
    const { nr } = p;
    p.call(nr.prctl, PR_SET_DUMPABLE, 0);
    if (namespaces !== 0) p.call(nr.setns, given.init!, namespaces);
    if (changesRoot) {
      p.call(nr.fchdir, given.root!);
      p.call(nr.chroot, p.string("."));
    }
    if (becomesRoot) {
      if (dropGroups) p.call(nr.setgroups, 0, 0).ignoreError();
      p.call(nr.setresgid, 0, 0, 0);
      p.call(nr.setresuid, 0, 0, 0);
      // A change of ids undoes both.
      p.call(nr.prctl, PR_SET_DUMPABLE, 0);
    }
    p.call(nr.close_range, given.init!, -1, 0);
  },
  describe: ({ names }) => `join the ${names.join(", ")} namespaces of the container's init`,
  failure: ({ names }) => `unable to join the container's namespaces (${names.join(", ")})`,
  hint: (_, errno) => (errno === ESRCH ? "the container's init has ended" : undefined),
};

/** Makes the next process, as a child of the runtime, and ends: the container's, or one that is born in its cgroup. clone(2). */
export interface CloneProcess extends Step {
  readonly kind: "clone-process";
  /** Born in the cgroup2 whose directory is given as "cgroup", and still on the way; else it is the container's. */
  readonly intoCgroup: boolean;
}

const CLONE_ARGS_BYTES = 88;
const SIGKILL = 9;

export const cloneProcess: StepKind<CloneProcess> = {
  kind: "clone-process",
  emit(c, { intoCgroup }) {
    const { p } = c;
    const message = p.dataWords([Message.Cloned, 0, intoCgroup ? 1 : 0]);
    p.slotNames.set(message + 4, intoCgroup ? "born_in_cgroup" : "process");
    // struct clone_args, 88 bytes: flags at 0, exit_signal at 32 (with CLONE_PARENT it must be 0), cgroup at 80.
    const args = new Int32Array(CLONE_ARGS_BYTES / 4);
    args[0] = CLONE_PARENT;
    if (intoCgroup) {
      args[1] = CLONE_INTO_CGROUP_HIGH;
      args[20] = c.given.cgroup!;
    }
    const next = p.label();
    p.call(p.nr.clone3, p.constant(new Uint8Array(args.buffer)), CLONE_ARGS_BYTES)
      .save(message + 4)
      .onZero(next);
    p.call(p.nr.write, c.sync, message, 12);
    p.call(p.nr.exit_group, 0);
    p.place(next);
    // Not inherited. The container's process sets it with the rest of its beginning.
    if (intoCgroup) p.call(p.nr.prctl, PR_SET_PDEATHSIG, SIGKILL);
  },
  describe: ({ intoCgroup }) =>
    intoCgroup ? "go on as a process born in the cgroup" : "clone the container's process",
  failure: ({ intoCgroup }) =>
    intoCgroup ? "unable to clone a process into the container's cgroup" : "unable to clone the container's process",
  hint: (_, errno) => (errno === EAGAIN ? "a limit of processes is reached" : undefined),
};

/** The container's root, from inside. */
export interface OpenRoot extends Step {
  readonly kind: "open-root";
}

export const openRoot: StepKind<OpenRoot> = {
  kind: "open-root",
  emit({ p, rootfs }) {
    p.call(p.nr.openat, AT_FDCWD, p.string("/"), O_PATH | O_DIRECTORY | O_CLOEXEC).save(rootfs);
  },
  describe: () => "open the container's root directory",
};

/** The runtime moves this process into the container's cgroup. */
export interface AwaitPlacement extends Step {
  readonly kind: "await-placement";
}

export const awaitPlacement: StepKind<AwaitPlacement> = {
  kind: "await-placement",
  emit: awaitByte,
  describe: () => "wait until the runtime has moved this process into the cgroup",
};

/**
 * Nothing of the user's runs before the runtime knows of this process, and forwards its signals; and has set limits that the root of a
 * user namespace may not, and has the terminal that it shows. A runtime that has died says end of file.
 */
export interface AwaitRuntime extends Step {
  readonly kind: "await-runtime";
}

export const awaitRuntime: StepKind<AwaitRuntime> = {
  kind: "await-runtime",
  emit: awaitByte,
  describe: () => "wait until the runtime stands by",
};
