/** Annotations of crun's that mean something here. docs/crun-extras.md has the list; bundle/rules/annotations.ts tells of the rest. */
import type { Config } from "../bundle/config.ts";

/** The caller's supplementary groups stay, in place of process.user.additionalGids: they may be what a volume is shared by. */
export function keepsGroups({ annotations }: Pick<Config, "annotations">): boolean {
  return annotations !== undefined && annotations["run.oci.keep_original_groups"] === "1";
}

/** The option by which linux.mountLabel is given to a file system. mount(8), "context". */
export function mountLabelOption({ annotations }: Pick<Config, "annotations">): string {
  return annotations?.["run.oci.mount_context_type"] ?? "context";
}

/** A system call that libseccomp does not know is an error, where it would be skipped. */
export function refusesUnknownCalls({ annotations }: Pick<Config, "annotations">): boolean {
  return annotations !== undefined && annotations["run.oci.seccomp_fail_unknown_syscall"] === "1";
}
