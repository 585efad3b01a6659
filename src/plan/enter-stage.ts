import { CLONE_NEWCGROUP } from "../../native-bindings/constants.ts";
import type { Config } from "../bundle/config.ts";
import { keepsGroups } from "./annotations.ts";
import type { NamespacePlan } from "./namespaces.ts";
import type { Placement, StartPlanInput } from "./start-plan.ts";
import type { Step } from "./step.ts";
import type { CloneInit } from "./steps/clone-init.ts";
import type { JoinNamespaces } from "./steps/join-namespaces.ts";
import type { OomScoreAdj } from "./steps/oom-score.ts";
import type { PlaceSelf } from "./steps/placement.ts";
import type { NewTimeNamespace } from "./steps/time-namespace.ts";
import type { NewUserNamespace } from "./steps/user-namespace.ts";

const EVERYWHERE = { from: "" } as const;

/** Until init exists: in the fresh process, which is still the host's. */
export function enterStage(input: StartPlanInput): Step[] {
  const { config, namespaces, placement, process } = input;
  const steps: Step[] = [{ kind: "begin", ...EVERYWHERE }];
  const score = config.process!.oomScoreAdj;
  if (score !== undefined) {
    const step: OomScoreAdj = { kind: "oom-score-adj", from: "/process/oomScoreAdj", value: score };
    steps.push(step);
  }
  const inInit = placesItselfInInit(namespaces, placement);
  if (!inInit) pushPlacement(steps, placement);
  if (namespaces.joined.length > 0) {
    const step: JoinNamespaces = {
      kind: "join-namespaces",
      from: namespaces.joined[0]!.from,
      namespaces: namespaces.joined,
      dropGroups: !keepsGroups(config),
    };
    steps.push(step);
  }
  if (namespaces.newUser) {
    const step: NewUserNamespace = {
      kind: "new-user-namespace",
      from: "/linux/uidMappings",
      dropGroups: !process.groupsKept,
    };
    steps.push(step);
  }
  // After the user namespace, which gives the right to make it; its offsets can be set until its first process.
  if (namespaces.newTime) steps.push(timeNamespace(config));
  const clone: CloneInit = {
    kind: "clone-init",
    from: "/linux/namespaces",
    namespaces: inInit ? namespaces.cloned & ~CLONE_NEWCGROUP : namespaces.cloned,
    names: inInit ? namespaces.clonedNames.filter((name) => name !== "cgroup") : namespaces.clonedNames,
    intoCgroup: placement.intoCgroup,
  };
  steps.push(clone);
  return steps;
}

/**
 * Init can move itself into the cgroup while it is the host's root and sees the host's files: then the process that clones it
 * never counts against the container's limits. Else that process goes first.
 */
export function placesItselfInInit({ newUser, joined }: NamespacePlan, { byManager }: Placement): boolean {
  return !newUser && joined.length === 0 && byManager !== true;
}

/** Waits for the cgroup, and moves into it. */
export function pushPlacement(steps: Step[], { files, byManager }: Placement): void {
  if (files.length === 0 && byManager !== true) return;
  steps.push({ kind: "await-cgroup", from: "/linux/cgroupsPath" });
  if (files.length === 0) return;
  const place: PlaceSelf = { kind: "place-self", from: "/linux/cgroupsPath", files };
  steps.push(place);
}

function timeNamespace(config: Config): NewTimeNamespace {
  let offsets = "";
  const { monotonic, boottime } = config.linux?.timeOffsets ?? {};
  if (monotonic !== undefined) offsets += `monotonic ${monotonic.secs ?? 0} ${monotonic.nanosecs ?? 0}\n`;
  if (boottime !== undefined) offsets += `boottime ${boottime.secs ?? 0} ${boottime.nanosecs ?? 0}\n`;
  return { kind: "new-time-namespace", from: "/linux/timeOffsets", offsets };
}
