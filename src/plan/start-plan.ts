/** config → the steps of a container's start, in stages, in the order that the kernel and the specification force. */
import { CLONE_NEWCGROUP, CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config, Hook, POSIXRlimit } from "../bundle/config.ts";
import type { NamespacePlan } from "./namespaces.ts";
import { environment, executableCandidates, type ProcessFacts, planIdentity, planLookup } from "./process.ts";
import type { Step } from "./step.ts";
import type { CloneInit } from "./steps/clone-init.ts";
import type { Execute, WaitForStart } from "./steps/executable.ts";
import type { InnerHook } from "./steps/hook.ts";
import type { JoinNamespaces } from "./steps/join-namespaces.ts";
import type { Domainname, Hostname, SessionKeyring, Sysctl, Umask } from "./steps/kernel-settings.ts";
import type { OomScoreAdj } from "./steps/oom-score.ts";
import type { PlaceSelf } from "./steps/placement.ts";
import type { Rlimits } from "./steps/rlimits.ts";
import type { InstallFilter } from "./steps/seccomp.ts";
import type { Ready } from "./steps/sync.ts";
import type { NewTimeNamespace } from "./steps/time-namespace.ts";
import type { NewUserNamespace } from "./steps/user-namespace.ts";

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
}

/** A compiled seccomp filter, and which of the runtime's own system calls it does not let through. */
export interface PlannedFilter {
  readonly bpf: Uint8Array;
  readonly flags: number;
  readonly listener: boolean;
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
  /** Some message of the program comes with descriptors (tmpcopyup). */
  readonly sendsDescriptors: boolean;
  /** Hooks inside the container: each wants the container's state on a descriptor of its own. */
  readonly innerHooks: readonly InnerHook[];
}

/** A hook that names no timeout must not hang a caller for ever. */
export const DEFAULT_HOOK_TIMEOUT_SECONDS = 300;

const EVERYWHERE = { from: "" } as const;

/** The whole plan. Pure: the same input gives the same steps. */
export function planStart(input: StartPlanInput): StartPlan {
  const { config } = input;
  const process = config.process!;
  const env = environment(process, input.process.home);
  const candidates = executableCandidates(process.args![0]!, env);
  const createHooks = innerHooks("createContainer", config.hooks?.createContainer, []);
  const startHooks = innerHooks("startContainer", config.hooks?.startContainer, env);

  const stages: Stage[] = [
    { name: "enter", steps: enterStage(input) },
    { name: "build", steps: buildStage(input, createHooks) },
    { name: "become", steps: becomeStage(input, candidates) },
    { name: "start", steps: startStage(input, startHooks, candidates, env) },
  ];
  const kept = input.startBy === "fifo" ? ["result", "sync", "fifo"] : ["sync"];
  for (const hook of startHooks) kept.push(hook.stdin);
  const given = kept.concat(transientDescriptors(stages, createHooks, input));
  return {
    stages,
    startBy: input.startBy,
    preservedDescriptors: input.preservedDescriptors,
    given,
    kept: kept.length,
    awaitsCgroup: input.placement.files.length > 0,
    closeRangeBlocked: loadsFilterEarly(input) && input.filter!.forbidden.includes(SYS.close_range),
    sendsDescriptors: copiesUp(input.rootfs.early),
    innerHooks: createHooks.concat(startHooks),
  };
}

function copiesUp(steps: readonly Step[]): boolean {
  for (const step of steps) if ((step as { readonly copyUp?: boolean }).copyUp === true) return true;
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

/** Until init exists: in the fresh process, which is still the host's. */
function enterStage(input: StartPlanInput): Step[] {
  const { config, namespaces, placement, process } = input;
  const steps: Step[] = [{ kind: "begin", ...EVERYWHERE }];
  const score = config.process!.oomScoreAdj;
  if (score !== undefined) {
    const step: OomScoreAdj = { kind: "oom-score-adj", from: "/process/oomScoreAdj", value: score };
    steps.push(step);
  }
  const inInit = placesItselfInInit(namespaces);
  if (!inInit) pushPlacement(steps, placement);
  if (namespaces.joined.length > 0) {
    const step: JoinNamespaces = {
      kind: "join-namespaces",
      from: namespaces.joined[0]!.from,
      namespaces: namespaces.joined,
    };
    steps.push(step);
  }
  if (namespaces.newUser) {
    const step: NewUserNamespace = {
      kind: "new-user-namespace",
      from: "/linux/uidMappings",
      dropGroups: !process.groupsDenied,
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
function placesItselfInInit({ newUser, joined }: NamespacePlan): boolean {
  return !newUser && joined.length === 0;
}

function pushPlacement(steps: Step[], { files }: Placement): void {
  if (files.length === 0) return;
  const place: PlaceSelf = { kind: "place-self", from: "/linux/cgroupsPath", files };
  steps.push({ kind: "await-cgroup", from: "/linux/cgroupsPath" }, place);
}

function timeNamespace(config: Config): NewTimeNamespace {
  let offsets = "";
  const { monotonic, boottime } = config.linux?.timeOffsets ?? {};
  if (monotonic !== undefined) offsets += `monotonic ${monotonic.secs ?? 0} ${monotonic.nanosecs ?? 0}\n`;
  if (boottime !== undefined) offsets += `boottime ${boottime.secs ?? 0} ${boottime.nanosecs ?? 0}\n`;
  return { kind: "new-time-namespace", from: "/linux/timeOffsets", offsets };
}

/** In init: the container around it. */
function buildStage(input: StartPlanInput, createHooks: readonly InnerHook[]): Step[] {
  const { config, namespaces, rootfs } = input;
  const steps: Step[] = [{ kind: "init-begin", ...EVERYWHERE }];
  if (hasLabel(config)) for (const step of securityLabels().openLabelSteps(config.process!)) steps.push(step);
  if (placesItselfInInit(namespaces)) {
    pushPlacement(steps, input.placement);
    // After it: the namespace is rooted where the process is when it is made.
    if ((namespaces.cloned & CLONE_NEWCGROUP) !== 0)
      steps.push({ kind: "new-cgroup-namespace", from: "/linux/namespaces" });
  }
  if (input.sessionKeyring) {
    const KEY_USR_SEARCH = 0x80000;
    const KEY_OTH_SEARCH = 0x8;
    const search = (namespaces.all & CLONE_NEWUSER) !== 0 ? KEY_OTH_SEARCH : KEY_USR_SEARCH;
    const step: SessionKeyring = { kind: "session-keyring", ...EVERYWHERE, name: `_ses.${input.id}`, search };
    steps.push(step);
  }
  if (namespaces.clonedNames.includes("network")) steps.push({ kind: "loopback", from: "/linux/namespaces" });
  for (const step of rootfs.early) steps.push(step);
  const { hooks } = config;
  if (hooks?.prestart?.length || hooks?.createRuntime?.length || createHooks.length > 0) {
    steps.push({ kind: "runtime-hooks", from: "/hooks" });
  }
  // After the runtime's hooks, which may bring network devices; before the root changes and with it /proc.
  for (const key in config.linux?.sysctl) steps.push(sysctlStep(key, config.linux.sysctl[key]!));
  for (const hook of createHooks) steps.push(hook);
  for (const step of rootfs.jail) steps.push(step);
  if (config.hostname) {
    const step: Hostname = { kind: "hostname", from: "/hostname", name: config.hostname };
    steps.push(step);
  }
  if (config.domainname) {
    const step: Domainname = { kind: "domainname", from: "/domainname", name: config.domainname };
    steps.push(step);
  }
  for (const step of rootfs.late) steps.push(step);
  return steps;
}

/** A key may be written with dots or with slashes: what comes first is the separator. sysctl.d(5). */
function sysctlStep(key: string, value: string): Sysctl {
  const dot = key.indexOf(".");
  const slash = key.indexOf("/");
  let path = "";
  const swap = slash < 0 || (dot >= 0 && dot < slash);
  for (const char of key) path += swap ? (char === "." ? "/" : char === "/" ? "." : char) : char;
  return {
    kind: "sysctl",
    from: `/linux/sysctl/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    key,
    path,
    value,
  };
}

/** In init: from the runtime's root to the container's user. */
function becomeStage(input: StartPlanInput, candidates: readonly string[]): Step[] {
  const { config, filter } = input;
  const process = config.process!;
  const mask: Umask = { kind: "umask", from: "/process/user/umask", mask: process.user?.umask ?? 0o022 };
  const steps: Step[] = [mask];
  if (hasLabel(config)) for (const step of securityLabels().setLabelSteps(process)) steps.push(step);
  if (process.noNewPrivileges) steps.push({ kind: "no-new-privileges", from: "/process/noNewPrivileges" });
  if (process.scheduler || process.ioPriority || config.linux?.personality || config.linux?.memoryPolicy) {
    const { planRareSettings } = require("./rare-settings.ts") as typeof import("./rare-settings.ts");
    for (const step of planRareSettings(config)) steps.push(step);
  }
  // While it may still raise them, and with nothing left to open that a low limit of open files would forbid.
  if (input.rlimits.length > 0) {
    const step: Rlimits = { kind: "rlimits", from: "/process/rlimits", limits: input.rlimits };
    steps.push(step);
  }
  for (const step of identityStage(input)) steps.push(step);
  steps.push(planLookup(process, candidates));
  // The agent gets the listener while the container is created, not when it starts.
  if (filter?.listener && process.noNewPrivileges) steps.push(filterStep(filter));
  const ready: Ready = { kind: "ready", ...EVERYWHERE, dumpable: input.rootless };
  steps.push(ready);
  return steps;
}

function hasLabel({ process }: Config): boolean {
  return !!process!.apparmorProfile || !!process!.selinuxLabel;
}

function securityLabels(): typeof import("./security-labels.ts") {
  return require("./security-labels.ts") as typeof import("./security-labels.ts");
}

/** The filter, where it comes first: without no_new_privs it needs CAP_SYS_ADMIN, and what follows must pass it. */
function identityStage({ config, filter, process }: StartPlanInput): Step[] {
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

function filterStep({ bpf, flags, listener }: PlannedFilter): InstallFilter {
  return { kind: "install-filter", from: "/linux/seccomp", bpf, flags, listener };
}

/** In init, when `start` says so. */
function startStage(
  input: StartPlanInput,
  hooks: readonly InnerHook[],
  candidates: readonly string[],
  env: readonly string[],
): Step[] {
  const { config, filter } = input;
  const process = config.process!;
  const wait: WaitForStart = { kind: "wait-for-start", ...EVERYWHERE, by: input.startBy };
  const steps: Step[] = [wait];
  for (const hook of hooks) steps.push(hook);
  steps.push({ kind: "close-descriptors", ...EVERYWHERE });
  // As late as can be: the program needs no system call after it but execve.
  if (filter !== undefined && !loadsFilterEarly(input)) steps.push(filterStep(filter));
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

function innerHooks(
  name: InnerHook["hook"],
  hooks: readonly Hook[] | undefined,
  defaultEnv: readonly string[],
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
  }));
}
