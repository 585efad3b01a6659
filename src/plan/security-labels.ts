import type { Process } from "../bundle/config.ts";
import type { LabellingModule, OpenLabelFile, SetLabel } from "./steps/security-label.ts";

/** What labels a process: the module, the field that says so, and its value. */
export interface ProcessLabel {
  readonly module: LabellingModule;
  readonly from: string;
  readonly label: string;
}

/** The labels that a config asks for; an empty one is none. */
export function processLabels({ apparmorProfile, selinuxLabel }: Process): ProcessLabel[] {
  const labels: ProcessLabel[] = [];
  if (selinuxLabel) labels.push({ module: "selinux", from: "/process/selinuxLabel", label: selinuxLabel });
  if (apparmorProfile) labels.push({ module: "apparmor", from: "/process/apparmorProfile", label: apparmorProfile });
  return labels;
}

/** While the host's /proc is there. */
export function openLabelSteps(process: Process): OpenLabelFile[] {
  return processLabels(process).map(({ module, from }) => ({ kind: "open-label-file", from, module }));
}

/** Once no program but the container's will be executed any more, other than in it. */
export function setLabelSteps(process: Process): SetLabel[] {
  return processLabels(process).map((label) => ({ kind: "set-label", ...label }));
}
