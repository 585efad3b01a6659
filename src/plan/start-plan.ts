/** config → the steps of a container's start, in stages, in the order that the kernel and the specification force. */
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config, Hook, POSIXRlimit } from "../bundle/config.ts";
import { becomeStage, loadsFilterEarly, startStage } from "./become-stage.ts";
import { buildStage } from "./build-stage.ts";
import { enterStage } from "./enter-stage.ts";
import type { NamespacePlan } from "./namespaces.ts";
import { environment, executableCandidates, type ProcessFacts } from "./process.ts";
import type { Step } from "./step.ts";
import type { WaitForStart } from "./steps/executable.ts";
import type { InnerHook } from "./steps/hook.ts";
import type { PlaceSelf } from "./steps/placement.ts";

/** The root file system's steps, from mounts.ts: made before the runtime's hooks, around the change of root, after it. */
export interface RootfsSteps {
  readonly early: readonly Step[];
  readonly jail: readonly Step[];
  readonly late: readonly Step[];
}

export interface StartPlanInput {
  readonly id: string;
  readonly config: Config;
  readonly namespaces: NamespacePlan;
  readonly rootfs: RootfsSteps;
  readonly process: ProcessFacts;
  /** How `start` reaches init: the exec FIFO after create, the sync socket under run. */
  readonly startBy: WaitForStart["by"];
  readonly sessionKeyring: boolean;
  readonly placement: Placement;
  readonly filter: PlannedFilter | undefined;
  /** The limits that init sets for itself. */
  readonly rlimits: readonly POSIXRlimit[];
  /** The caller's limit of open files, where the engine has raised its own: for hooks that run before `rlimits`. */
  readonly callersOpenFiles: POSIXRlimit | undefined;
  /** Without privilege on the host: init stays dumpable while it waits. */
  readonly rootless: boolean;
  /** Descriptors 3 to 3+n-1 that go to the container's process. */
  readonly preservedDescriptors: number;
}

/** How init comes to be in the container's cgroup. */
export interface Placement {
  /** The cgroup2 directory is given as "cgroup" and init is born there. */
  readonly intoCgroup: boolean;
  readonly files: PlaceSelf["files"];
  /** The process that clones init is moved by somebody else (systemd), while it waits. */
  readonly byManager?: boolean;
}

/** A compiled seccomp filter, and which of the runtime's own system calls it does not let through. */
export interface PlannedFilter {
  readonly bpf: Uint8Array;
  readonly flags: number;
  readonly listener: boolean;
  /** An ordinary user's, with a listener. */
  readonly dumpable: boolean;
  /** Numbers. */
  readonly forbidden: readonly number[];
}

export interface Stage {
  readonly name: "enter" | "build" | "become" | "start";
  readonly steps: readonly Step[];
}

export interface StartPlan {
  readonly stages: readonly Stage[];
  readonly startBy: WaitForStart["by"];
  readonly preservedDescriptors: number;
  /** Names of the descriptors that the program must be given, in the order of their numbers. */
  readonly given: readonly string[];
  /** How many of them stay open until start; the rest is closed at ready. */
  readonly kept: number;
  /** A step waits for the go that says that the cgroup is there. */
  readonly awaitsCgroup: boolean;
  readonly closeRangeBlocked: boolean;
  /** Some message of the program comes with descriptors (tmpcopyup, id-mapped mounts inside). */
  readonly sendsDescriptors: boolean;
  /** Init waits for an answer between its birth and its being ready: a go that is said before would be taken for that. */
  readonly asks: boolean;
  /** Hooks inside the container: each wants the container's state on a descriptor of its own. */
  readonly innerHooks: readonly InnerHook[];
}

/** A hook that names no timeout must not hang a caller for ever. */
export const DEFAULT_HOOK_TIMEOUT_SECONDS = 300;

/** The whole plan. Pure: the same input gives the same steps. */
export function planStart(input: StartPlanInput): StartPlan {
  const { config } = input;
  const process = config.process!;
  const env = environment(process, input.process.home);
  const candidates = executableCandidates(process.args![0]!, env);
  const createHooks = innerHooks("createContainer", config.hooks?.createContainer, [], input.callersOpenFiles);
  const startHooks = innerHooks("startContainer", config.hooks?.startContainer, env, undefined);

  const stages: Stage[] = [
    { name: "enter", steps: enterStage(input) },
    { name: "build", steps: buildStage(input, createHooks) },
    { name: "become", steps: becomeStage(input, candidates) },
    { name: "start", steps: startStage(input, startHooks, candidates, env) },
  ];
  const kept = input.startBy === "fifo" ? ["result", "sync", "fifo"] : ["sync"];
  for (const hook of startHooks) kept.push(hook.stdin);
  const given = kept.concat(transientDescriptors(stages, createHooks, input));
  const sendsDescriptors = showsMounts(input.rootfs.early);
  return {
    stages,
    startBy: input.startBy,
    preservedDescriptors: input.preservedDescriptors,
    given,
    kept: kept.length,
    awaitsCgroup: input.placement.files.length > 0 || input.placement.byManager === true,
    closeRangeBlocked:
      (loadsFilterEarly(input) || startHooks.length > 0) && input.filter?.forbidden.includes(SYS.close_range) === true,
    sendsDescriptors,
    asks: sendsDescriptors || input.filter?.listener === true || waitsForRuntimesHooks(stages[1]!),
    innerHooks: createHooks.concat(startHooks),
  };
}

function waitsForRuntimesHooks({ steps }: Stage): boolean {
  for (const { kind } of steps) if (kind === "runtime-hooks") return true;
  return false;
}

/** A mount is shown to the runtime: a tmpfs that starts with a copy, a bind mount inside whose ids are mapped. */
function showsMounts(steps: readonly Step[]): boolean {
  for (const step of steps) {
    const { copyUp, inside, idmap } = step as { copyUp?: boolean; inside?: string; idmap?: string };
    if (copyUp === true || (inside !== undefined && idmap !== "none")) return true;
  }
  return false;
}

/** What init holds until ready and not longer. */
function transientDescriptors(stages: readonly Stage[], hooks: readonly InnerHook[], input: StartPlanInput): string[] {
  const names: string[] = [];
  for (const { type } of input.namespaces.joined) names.push(`ns:${type}`);
  if (input.placement.intoCgroup) names.push("cgroup");
  for (const hook of hooks) names.push(hook.stdin);
  if (hooks.length > 0) names.push("hook-output");
  for (const { steps } of stages) {
    for (const step of steps) {
      const wanted = (step as { readonly given?: string }).given;
      if (wanted !== undefined && !names.includes(wanted)) names.push(wanted);
    }
  }
  return names;
}

function innerHooks(
  name: InnerHook["hook"],
  hooks: readonly Hook[] | undefined,
  defaultEnv: readonly string[],
  openFiles: POSIXRlimit | undefined,
): InnerHook[] {
  if (hooks === undefined) return [];
  return hooks.map((hook, index) => ({
    kind: "inner-hook",
    from: `/hooks/${name}/${index}`,
    hook: name,
    index,
    path: hook.path,
    args: hook.args ?? [hook.path],
    // A startContainer hook without an environment gets the container's, as runc gives it.
    env: hook.env !== undefined && hook.env.length > 0 ? hook.env : defaultEnv,
    timeoutSeconds: hook.timeout ?? DEFAULT_HOOK_TIMEOUT_SECONDS,
    stdin: `hook:${name}:${index}`,
    output: name === "createContainer" ? "hook-output" : undefined,
    openFiles,
  }));
}
