import type { Step, StepKind } from "./step.ts";
import { awaitPlacement, begin, initBegin } from "./steps/begin.ts";
import { dropBounding, setCapabilities } from "./steps/capabilities.ts";
import { cloneInit } from "./steps/clone-init.ts";
import { execute, findExecutable, waitForStart } from "./steps/executable.ts";
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
  sessionKeyring,
  sysctl,
  umask,
} from "./steps/kernel-settings.ts";
import { oomScoreAdj } from "./steps/oom-score.ts";
import { rlimits } from "./steps/rlimits.ts";
import { installFilter } from "./steps/seccomp.ts";
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

function allKinds(): AnyKind[] {
  return [
    begin,
    awaitPlacement,
    initBegin,
    oomScoreAdj,
    joinNamespaces,
    newUserNamespace,
    newTimeNamespace,
    cloneInit,
    sessionKeyring,
    loopback,
    runtimeHooks,
    sysctl,
    innerHook,
    hostname,
    domainname,
    umask,
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
