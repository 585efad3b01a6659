/**
 * The root file system of a container: which mounts are made, in which order, and how the process is locked into them.
 *
 *     early   cut off from the host · root · mounts in the config's order · devices · links
 *             (the runtime's hooks, and createContainer hooks, run here)
 *     jail    change root · working directory · console · what had to stay writable until now
 *             (hostname)
 *     late    read-only paths · masked paths · detach the old root
 *
 * The order is runc's, which hooks and images rely on.
 */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "../../native-bindings/constants.ts";
import type { Config } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { planDevices } from "./device-steps.ts";
import type { MountFacts } from "./mount-facts.ts";
import { mountLabel } from "./mount-label.ts";
import { propagationFlag } from "./mount-options.ts";
import { type MountProgress, type MountsInput, planMountSteps } from "./mount-steps.ts";
import type { NamespacePlan } from "./namespaces.ts";
import type { RootfsSteps } from "./start-plan.ts";
import type { Step } from "./step.ts";
import type { ChangeRoot, DetachOldRoot, MakeWorkingDirectory } from "./steps/change-root.ts";
import type { Console } from "./steps/console.ts";
import type { MakeReadonly, MaskPaths, ReadonlyPaths } from "./steps/hidden-paths.ts";
import type { NullStreams } from "./steps/null-streams.ts";
import { cutsOff, type RootFilesystem, type RootPropagation } from "./steps/root-filesystem.ts";

interface RootPlanInput extends MountsInput {
  /** A mount namespace that is not the runtime's. */
  readonly mountNamespace: boolean;
  readonly noPivot: boolean;
}

export interface RootfsInput {
  readonly config: Config;
  /** Physical path of the root file system on the host. */
  readonly rootfs: string;
  readonly namespaces: Pick<NamespacePlan, "all">;
  readonly facts: MountFacts;
  /** `--no-pivot` */
  readonly noPivot: boolean;
}

/** The steps of the root file system. Pure. @throws RuntimeFault for what must not be mounted. */
export function planMounts(request: RootfsInput): RootfsSteps {
  const { all } = request.namespaces;
  const input: RootPlanInput = {
    config: request.config,
    rootfs: request.rootfs,
    facts: request.facts,
    userNamespace: (all & CLONE_NEWUSER) !== 0,
    cgroupNamespace: (all & CLONE_NEWCGROUP) !== 0,
    mountNamespace: (all & CLONE_NEWNS) !== 0,
    noPivot: request.noPivot,
  };
  const { config, mountNamespace } = input;
  const terminal = config.process?.terminal === true;
  const propagation = propagationFlag(config.linux?.rootfsPropagation ?? "");
  const root: RootFilesystem = {
    kind: "root-filesystem",
    from: "/root/path",
    path: input.rootfs,
    propagation: propagation === 0 ? MS_SLAVE | MS_REC : propagation,
    ownNamespace: mountNamespace,
    ownMount: mountNamespace || mountsInHost(config, all),
  };
  if (input.noPivot && (propagation & MS_PRIVATE) !== 0) refusePrivate(config.linux!.rootfsPropagation!);
  const early: Step[] = [root];
  if (!mountNamespace) refuseHiding(input);
  const progress = planMountSteps(input);
  for (const step of progress.steps) early.push(step);
  for (const step of planDevices(input, progress, terminal)) early.push(step);
  if (config.hooks?.createContainer?.length) early.push({ kind: "enter-root", from: "/hooks/createContainer" });
  return {
    early,
    jail: jailSteps(input, terminal, root.ownMount, progress),
    late: mountNamespace ? lateSteps(input, root.propagation) : [],
  };
}

/** True when there is something to mount and no mount namespace: it is mounted in the runtime's. */
export function mountsInHost({ mounts, root }: Config, namespaces: number): boolean {
  return (namespaces & CLONE_NEWNS) === 0 && ((mounts !== undefined && mounts.length > 0) || root?.readonly === true);
}

/** Without pivot_root the host's mounts stay below the root, and what the host unmounts would be kept alive there. */
function refusePrivate(value: string): never {
  throw new RuntimeFault({
    what: "rootfsPropagation of [r]private is not safe without pivot_root",
    where: "/linux/rootfsPropagation",
    value,
  });
}

/** The rules say it sooner; that nothing is left unhidden must not depend on them. */
function refuseHiding({ config: { linux } }: RootPlanInput): void {
  if (!linux?.maskedPaths?.length && !linux?.readonlyPaths?.length) return;
  throw new RuntimeFault({
    what: "masked and read-only paths need a mount namespace",
    where: "/linux/namespaces",
    hint: 'add {"type": "mount"}',
  });
}

function jailSteps(input: RootPlanInput, terminal: boolean, ownMount: boolean, progress: MountProgress): Step[] {
  const { config, mountNamespace } = input;
  const by = !mountNamespace ? "chroot" : input.noPivot ? "move" : "pivot";
  const change: ChangeRoot = { kind: "change-root", from: "/root/path", by, hostMounts: input.facts.hostMounts };
  const steps: Step[] = [change];
  // A /dev that is bound is the caller's affair, as for runc.
  if (input.facts.nullStdio.length > 0 && !progress.devBound) steps.push(nullStreamsStep(input, progress));
  const cwd = config.process?.cwd ?? "/";
  if (cwd !== "/") {
    const step: MakeWorkingDirectory = { kind: "make-working-directory", from: "/process/cwd", path: cwd };
    steps.push(step);
  }
  if (terminal) {
    const size = config.process?.consoleSize;
    const step: Console = {
      kind: "console",
      from: "/process/terminal",
      rows: size?.height ?? 0,
      columns: size?.width ?? 0,
      mount: ownMount,
      given: "console",
    };
    steps.push(step);
  }
  for (const step of progress.deferred) steps.push(step);
  if (config.root?.readonly === true) {
    const step: MakeReadonly = { kind: "make-readonly", from: "/root/readonly", mount: undefined, path: "/" };
    steps.push(step);
  }
  return steps;
}

function nullStreamsStep({ config, facts }: RootPlanInput, progress: MountProgress): NullStreams {
  let fresh = progress.freshDev && !progress.inDev.includes("null");
  for (const { path } of config.linux?.devices ?? []) if (path === "/dev/null") fresh = false;
  return { kind: "null-streams", from: "", fds: facts.nullStdio, fresh };
}

function lateSteps(input: RootPlanInput, propagation: number): Step[] {
  const { linux } = input.config;
  const steps: Step[] = [];
  if (linux?.readonlyPaths?.length) {
    const step: ReadonlyPaths = { kind: "readonly-paths", from: "/linux/readonlyPaths", paths: linux.readonlyPaths };
    steps.push(step);
  }
  if (linux?.maskedPaths?.length) {
    const label = mountLabel(input);
    // Twice masked is two mounts to undo, and costs the second.
    const each = [...new Set(linux.maskedPaths)];
    const step: MaskPaths = { kind: "mask-paths", from: "/linux/maskedPaths", paths: each, label };
    steps.push(step);
  }
  const detach: DetachOldRoot = {
    kind: "detach-old-root",
    from: "",
    shared: !cutsOff(propagation),
    detach: !input.noPivot,
  };
  steps.push(detach);
  // Not before: what is recursive would reach the old root as well.
  if ((propagation & (MS_SHARED | MS_UNBINDABLE)) !== 0 && (propagation & (MS_SLAVE | MS_PRIVATE)) === 0) {
    const step: RootPropagation = { kind: "root-propagation", from: "/linux/rootfsPropagation", propagation };
    steps.push(step);
  }
  return steps;
}
