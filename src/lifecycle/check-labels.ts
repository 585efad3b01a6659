import type { Process } from "../bundle/config.ts";
import { labels } from "../host/security-modules.ts";
import { processLabels } from "../plan/security-labels.ts";
import { RuntimeFault } from "../report/fault.ts";

/** A label that nothing would enforce must not be taken for one that is. @throws RuntimeFault in runc's words. */
export function checkLabels(process: Process): void {
  for (const { module, from, label } of processLabels(process)) {
    if (labels(module)) continue;
    const what = `${module} ${module === "apparmor" ? "profile" : "label"} is specified in config, but ${module} is disabled or not supported`;
    throw new RuntimeFault({ what, where: from, value: label });
  }
}
