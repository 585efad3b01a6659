import type { Step, StepKind } from "./step.ts";
import { begin, initBegin } from "./steps/begin.ts";
import { bindMount } from "./steps/bind-mount.ts";
import { dropBounding, setCapabilities } from "./steps/capabilities.ts";
import { changeRoot, detachOldRoot, makeWorkingDirectory } from "./steps/change-root.ts";
import { cloneInit } from "./steps/clone-init.ts";
import { closeDescriptors } from "./steps/close-descriptors.ts";
import { console } from "./steps/console.ts";
import { cpuAffinity } from "./steps/cpu-affinity.ts";
import { deviceLinks, makeDevice, openDeviceDirectory } from "./steps/devices.ts";
import { execute, findExecutable, waitForStart } from "./steps/executable.ts";
import { makeReadonly, maskPaths, readonlyPaths } from "./steps/hidden-paths.ts";
import { innerHook } from "./steps/hook.ts";
import { joinNamespaces } from "./steps/join-namespaces.ts";
import {
  domainname,
  hostname,
  ioPriority,
  loopback,
  memoryPolicy,
  noNewPrivileges,
  personality,
  scheduler,
  sysctl,
  umask,
} from "./steps/kernel-settings.ts";
import { mountByCall } from "./steps/mount-by-call.ts";
import { mountCgroup2, mountCgroupsV1 } from "./steps/mount-cgroups.ts";
import { mountFilesystem } from "./steps/mount-filesystem.ts";
import { nullStreams } from "./steps/null-streams.ts";
import { oomScoreAdj } from "./steps/oom-score.ts";
import { awaitCgroup, newCgroupNamespace, placeSelf } from "./steps/placement.ts";
import { rlimits } from "./steps/rlimits.ts";
import { enterRoot, rootFilesystem, rootPropagation } from "./steps/root-filesystem.ts";
import { installFilter } from "./steps/seccomp.ts";
import { openLabelFile, setLabel } from "./steps/security-label.ts";
import { sessionKeyring } from "./steps/session-keyring.ts";
import { ready, runtimeHooks } from "./steps/sync.ts";
import { newTimeNamespace } from "./steps/time-namespace.ts";
import { becomeUser } from "./steps/user.ts";
import { newUserNamespace } from "./steps/user-namespace.ts";
import { confirmDirectory, enterDirectory } from "./steps/working-directory.ts";

// biome-ignore lint/suspicious/noExplicitAny: each kind takes its own step; the lookup by `kind` is what pairs them
type AnyKind = StepKind<any>;

let byName: Map<string, AnyKind> | undefined;

/** What is known of a step's kind. @throws Error for a kind that nobody registered: a mistake in this program. */
export function kindOf(step: Step): AnyKind {
  if (byName === undefined) {
    byName = new Map();
    for (const kind of allKinds()) byName.set(kind.kind, kind);
  }
  const kind = byName.get(step.kind);
  if (kind === undefined) throw new Error(`unknown kind of step: ${step.kind}`);
  return kind;
}

/** Every kind of step there is. */
export function allKinds(): AnyKind[] {
  return [
    begin,
    awaitCgroup,
    newCgroupNamespace,
    placeSelf,
    initBegin,
    cpuAffinity,
    oomScoreAdj,
    joinNamespaces,
    newUserNamespace,
    newTimeNamespace,
    cloneInit,
    closeDescriptors,
    sessionKeyring,
    loopback,
    rootFilesystem,
    mountFilesystem,
    bindMount,
    mountByCall,
    mountCgroupsV1,
    mountCgroup2,
    openDeviceDirectory,
    makeDevice,
    deviceLinks,
    enterRoot,
    runtimeHooks,
    sysctl,
    innerHook,
    changeRoot,
    makeWorkingDirectory,
    console,
    nullStreams,
    makeReadonly,
    hostname,
    domainname,
    readonlyPaths,
    maskPaths,
    detachOldRoot,
    rootPropagation,
    umask,
    openLabelFile,
    setLabel,
    noNewPrivileges,
    scheduler,
    ioPriority,
    personality,
    memoryPolicy,
    installFilter,
    enterDirectory,
    dropBounding,
    becomeUser,
    confirmDirectory,
    setCapabilities,
    findExecutable,
    rlimits,
    ready,
    waitForStart,
    execute,
  ];
}
