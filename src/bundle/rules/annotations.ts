import type { Config } from "../config.ts";
import { type ConfigFault, child, fault, warning } from "../config-fault.ts";

const PREFIX = "run.oci.";

/**
 * crun's annotations, which engines pass on: what is not done is told, since whoever wrote one counts on it. Others are the
 * business of other programs. docs/crun-extras.md
 */
export function checkAnnotations({ annotations, process }: Config, into: ConfigFault[]): void {
  if (annotations === undefined) return;
  for (const name in annotations) {
    if (!name.startsWith(PREFIX)) continue;
    const value = annotations[name]!;
    const at = child("/annotations", name);
    switch (name.slice(PREFIX.length)) {
      case "keep_original_groups":
        if (value === "1" && process?.user?.additionalGids?.length) {
          warning(into, "/process/user/additionalGids", `ignored: ${name} keeps the caller's groups in their place`);
        }
        break;
      case "seccomp_fail_unknown_syscall":
        break;
      case "mount_context_type":
        if (!["context", "fscontext", "defcontext", "rootcontext"].includes(value)) {
          fault(into, at, "no kind of mount label", value, "context, fscontext, defcontext or rootcontext");
        }
        break;
      default:
        warning(into, at, "this annotation of crun's is not supported: ignored", value);
    }
  }
}
