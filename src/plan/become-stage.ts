import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { hasLabel, securityLabels } from "./build-stage.ts";
import { planIdentity, planLookup } from "./process.ts";
import type { PlannedFilter, StartPlanInput } from "./start-plan.ts";
import type { Step } from "./step.ts";
import type { Execute, WaitForStart } from "./steps/executable.ts";
import type { InnerHook } from "./steps/hook.ts";
import type { Umask } from "./steps/kernel-settings.ts";
import type { Rlimits } from "./steps/rlimits.ts";
import type { InstallFilter } from "./steps/seccomp.ts";
import type { Ready } from "./steps/sync.ts";

const EVERYWHERE = { from: "" } as const;

/** In init: from the runtime's root to the container's user. */
export function becomeStage(input: StartPlanInput, candidates: readonly string[]): Step[] {
  const { config } = input;
  const process = config.process!;
  const mask: Umask = { kind: "umask", from: "/process/user/umask", mask: process.user?.umask ?? 0o022 };
  const steps: Step[] = [mask];
  if (hasLabel(config)) for (const step of securityLabels().setLabelSteps(process)) steps.push(step);
  if (process.noNewPrivileges) steps.push({ kind: "no-new-privileges", from: "/process/noNewPrivileges" });
  pushLastSteps(steps, input, candidates, { dumpable: input.rootless, holdsSignals: holdsSignals(input) });
  return steps;
}

/**
 * What every process of a container does last, before it says that it is ready: limits, the user, the program looked up.
 *
 * @param waiting how it is while it waits.
 */
export function pushLastSteps(
  steps: Step[],
  input: Pick<StartPlanInput, "config" | "filter" | "process" | "rlimits">,
  candidates: readonly string[],
  waiting: Pick<Ready, "dumpable" | "holdsSignals">,
): void {
  const { config, filter } = input;
  const process = config.process!;
  if (process.scheduler || process.ioPriority || config.linux?.personality || config.linux?.memoryPolicy) {
    const { planRareSettings } = require("./rare-settings.ts") as typeof import("./rare-settings.ts");
    for (const step of planRareSettings(config)) steps.push(step);
  }
  // While it may still raise them, and with nothing left to open that a low limit of open files would forbid.
  if (input.rlimits.length > 0) {
    const step: Rlimits = { kind: "rlimits", from: "/process/rlimits", limits: input.rlimits };
    steps.push(step);
  }
  for (const step of identitySteps(input)) steps.push(step);
  steps.push(planLookup(process, candidates));
  // The agent gets the listener before the program runs.
  if (filter?.listener && process.noNewPrivileges) steps.push(filterStep(filter));
  const ready: Ready = { kind: "ready", ...EVERYWHERE, ...waiting };
  steps.push(ready);
}

/** The filter, where it comes first: without no_new_privs it needs CAP_SYS_ADMIN, and what follows must pass it. */
export function identitySteps({
  config,
  filter,
  process,
}: Pick<StartPlanInput, "config" | "filter" | "process">): Step[] {
  const steps = planIdentity(config, process);
  if (filter === undefined || config.process!.noNewPrivileges) return steps;
  if (!filter.forbidden.includes(SYS.getcwd) && !filter.forbidden.includes(SYS.chdir))
    return [filterStep(filter), ...steps];
  // A profile that forbids to ask where one is: asked before it is loaded, as the container's root.
  const directory = steps.filter(({ kind }) => kind === "enter-directory" || kind === "confirm-directory");
  return [...directory, filterStep(filter), ...steps.filter((step) => !directory.includes(step))];
}

/** Before the user's identity is taken on, without no_new_privs; before ready, where an agent waits for the listener. */
export function loadsFilterEarly({ filter, config }: Pick<StartPlanInput, "filter" | "config">): boolean {
  return filter !== undefined && (filter.listener || !config.process!.noNewPrivileges);
}

export function filterStep({ bpf, flags, listener, dumpable }: PlannedFilter): InstallFilter {
  return { kind: "install-filter", from: "/linux/seccomp", bpf, flags, listener, dumpable };
}

/** Only the first process of a pid namespace needs it; and not where a filter that is in force by then would mind. */
function holdsSignals(input: StartPlanInput): boolean {
  if (input.startBy !== "fifo" || !input.namespaces.privatePid) return false;
  if (!loadsFilterEarly(input)) return true;
  for (const name of ["rt_sigprocmask", "signalfd4", "ppoll"] as const) {
    if (input.filter!.forbidden.includes(SYS[name])) return false;
  }
  return true;
}

/** In init, when `start` says so. */
export function startStage(
  input: StartPlanInput,
  hooks: readonly InnerHook[],
  candidates: readonly string[],
  env: readonly string[],
): Step[] {
  const { config, filter } = input;
  const process = config.process!;
  const wait: WaitForStart = {
    kind: "wait-for-start",
    ...EVERYWHERE,
    by: input.startBy,
    holdsSignals: holdsSignals(input),
  };
  const steps: Step[] = [wait];
  // As late as can be: the program needs no system call after it but execve. The hooks are programs of the image, too.
  const late = filter === undefined || loadsFilterEarly(input) ? undefined : filterStep(filter);
  if (late !== undefined && hooks.length > 0) steps.push(late);
  for (const hook of hooks) steps.push(hook);
  steps.push({ kind: "close-descriptors", ...EVERYWHERE });
  if (late !== undefined && hooks.length === 0) steps.push(late);
  const execute: Execute = {
    kind: "execute",
    from: "/process/args/0",
    name: process.args![0]!,
    candidates,
    args: process.args!,
    env,
  };
  steps.push(execute);
  return steps;
}
