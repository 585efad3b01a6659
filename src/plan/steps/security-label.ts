import { ENOENT } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import { sharedSlot } from "../shared-values.ts";
import type { Step, StepKind } from "../step.ts";

/** The modules that label a process at its execve. */
export type LabellingModule = "apparmor" | "selinux";

/**
 * Opens the file that takes the label, by the host's /proc: the container's may be anything. Only the process itself may write
 * to it, so init opens it, not who clones it. proc(5), /proc/PID/attr.
 */
export interface OpenLabelFile extends Step {
  readonly kind: "open-label-file";
  readonly module: LabellingModule;
}

export const openLabelFile: StepKind<OpenLabelFile> = {
  kind: "open-label-file",
  emit(c, { module }) {
    const { p } = c;
    const file = sharedSlot(c, `label_${module}`);
    // AppArmor's own file is of Linux 5.8: below the oldest kernel that is supported. The other is the first module's.
    const path = module === "apparmor" ? "/proc/self/attr/apparmor/exec" : "/proc/self/attr/exec";
    p.call(p.nr.openat, AT_FDCWD, p.string(path), O_WRONLY | O_CLOEXEC).save(file);
  },
  describe: ({ module }) => `open the file of /proc that takes the ${module} label`,
};

/** The label that the next execve takes on: after the hooks of create, whose programs it is not for. */
export interface SetLabel extends Step {
  readonly kind: "set-label";
  readonly module: LabellingModule;
  readonly label: string;
}

export const setLabel: StepKind<SetLabel> = {
  kind: "set-label",
  emit(c, { module, label }) {
    const { p } = c;
    const text = module === "apparmor" ? `exec ${label}` : label;
    const file = load(sharedSlot(c, `label_${module}`));
    p.call(p.nr.write, file, p.string(text), new TextEncoder().encode(text).length);
    p.call(p.nr.close, file);
  },
  describe: ({ module, label }) => `become ${module} ${JSON.stringify(label)} with the program`,
  failure: ({ module, label }) =>
    module === "apparmor"
      ? `unable to apply apparmor profile: apparmor failed to apply profile ${JSON.stringify(label)}`
      : `unable to set the selinux label ${JSON.stringify(label)}`,
  hint: ({ module }, errno) =>
    module === "apparmor" && errno === ENOENT ? "the profile is not loaded; apparmor_parser loads it" : undefined,
};
