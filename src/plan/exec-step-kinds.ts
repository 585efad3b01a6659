import type { KindOf } from "./compile-program.ts";
import type { StepKind } from "./step.ts";
import { begin, initBegin } from "./steps/begin.ts";
import { dropBounding, setCapabilities } from "./steps/capabilities.ts";
import { closeDescriptors } from "./steps/close-descriptors.ts";
import { console } from "./steps/console.ts";
import { cpuAffinity } from "./steps/cpu-affinity.ts";
import { execute, findExecutable } from "./steps/executable.ts";
import { awaitPlacement, awaitRuntime, cloneProcess, joinContainer, openRoot } from "./steps/join-container.ts";
import { ioPriority, memoryPolicy, noNewPrivileges, personality, scheduler, umask } from "./steps/kernel-settings.ts";
import { openLabelInside } from "./steps/label-inside.ts";
import { oomScoreAdj } from "./steps/oom-score.ts";
import { placeSelf } from "./steps/placement.ts";
import { rlimits } from "./steps/rlimits.ts";
import { installFilter } from "./steps/seccomp.ts";
import { setLabel } from "./steps/security-label.ts";
import { sessionKeyring } from "./steps/session-keyring.ts";
import { ready } from "./steps/sync.ts";
import { becomeUser } from "./steps/user.ts";
import { confirmDirectory, enterDirectory } from "./steps/working-directory.ts";

/** Every kind of step that an `exec` can have. */
// biome-ignore lint/suspicious/noExplicitAny: each kind takes its own step; the lookup by `kind` is what pairs them
export const execStepKinds: readonly StepKind<any>[] = [
  begin,
  oomScoreAdj,
  cpuAffinity,
  placeSelf,
  cloneProcess,
  joinContainer,
  initBegin,
  awaitPlacement,
  openLabelInside,
  setLabel,
  sessionKeyring,
  openRoot,
  console,
  noNewPrivileges,
  umask,
  scheduler,
  ioPriority,
  personality,
  memoryPolicy,
  rlimits,
  installFilter,
  enterDirectory,
  dropBounding,
  becomeUser,
  confirmDirectory,
  setCapabilities,
  findExecutable,
  ready,
  awaitRuntime,
  closeDescriptors,
  execute,
];

/** @throws Error for a kind that is not in the table: a mistake in this program. */
export const execKindOf: KindOf = (step) => {
  for (const kind of execStepKinds) if (kind.kind === step.kind) return kind;
  throw new Error(`unknown kind of step: ${step.kind}`);
};
