/** An `exec` as steps: into a container that is there, and there to the user's program. */

import { CLONE_NEWNS, CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config, POSIXRlimit } from "../bundle/config.ts";
import { keepsGroups } from "./annotations.ts";
import { filterStep, loadsFilterEarly, pushLastSteps } from "./become-stage.ts";
import type { ProgramPlan } from "./compile-program.ts";
import { environment, executableCandidates, type ProcessFacts } from "./process.ts";
import type { PlannedFilter } from "./start-plan.ts";
import type { Step } from "./step.ts";
import type { Console } from "./steps/console.ts";
import type { SetCpuAffinity } from "./steps/cpu-affinity.ts";
import type { Execute } from "./steps/executable.ts";
import type { CloneProcess, JoinContainer } from "./steps/join-container.ts";
import type { Umask } from "./steps/kernel-settings.ts";
import type { OomScoreAdj } from "./steps/oom-score.ts";
import type { PlaceSelf } from "./steps/placement.ts";
import type { SessionKeyring } from "./steps/session-keyring.ts";

/** How the process comes to be in the container's cgroup. */
export interface ExecPlacement {
  /** The cgroup2 directory is given as "cgroup", and a process is born there. */
  readonly intoCgroup: boolean;
  /** Files that the process moves itself by. */
  readonly files: PlaceSelf["files"];
  /** The runtime moves it, once it is there: slow, but no limit on the number of processes stands against it. */
  readonly byRuntime: boolean;
}

export interface ExecPlanInput {
  readonly id: string;
  /** The container's, but for `process`, which is the one to be run, complete. */
  readonly config: Config;
  /** CLONE_NEW* of the namespaces that the container does not share with the runtime. */
  readonly namespaces: number;
  readonly namespaceNames: readonly string[];
  readonly process: ProcessFacts;
  readonly filter: PlannedFilter | undefined;
  readonly rlimits: readonly POSIXRlimit[];
  readonly sessionKeyring: boolean;
  /** Undefined: the caller's. */
  readonly umask: number | undefined;
  readonly placement: ExecPlacement;
  /** Descriptors 3 to 3+n-1 that go to the process. */
  readonly preservedDescriptors: number;
}

export interface ExecPlan extends ProgramPlan {
  readonly stages: readonly { readonly name: "enter" | "become" | "execute"; readonly steps: readonly Step[] }[];
  /** The program waits to be moved into the cgroup. */
  readonly awaitsPlacement: boolean;
}

const EVERYWHERE = { from: "" } as const;

/** The whole plan. Pure: the same input gives the same steps. */
export function planExec(input: ExecPlanInput): ExecPlan {
  const { config, filter, placement } = input;
  const process = config.process!;
  const env = environment(process, input.process.home);
  const candidates = executableCandidates(process.args[0]!, env);
  const given = ["sync"];
  if (process.terminal) given.push("console");
  // From here on: what no process inside may find in one that has just come to it.
  given.push("init");
  if ((input.namespaces & CLONE_NEWNS) === 0) given.push("root");
  if (placement.intoCgroup) given.push("cgroup");
  return {
    stages: [
      { name: "enter", steps: enterStage(input) },
      { name: "become", steps: becomeStage(input, candidates) },
      { name: "execute", steps: executeStage(input, candidates, env) },
    ],
    preservedDescriptors: input.preservedDescriptors,
    given,
    kept: 1,
    closeRangeBlocked: filter !== undefined && loadsFilterEarly(input) && filter.forbidden.includes(SYS.close_range),
    awaitsPlacement: placement.byRuntime,
  };
}

/** In processes of the host: they go into the cgroup, then into the namespaces, and make the one that is the container's. */
function enterStage(input: ExecPlanInput): Step[] {
  const { config, namespaces, placement } = input;
  const steps: Step[] = [];
  const begin = { kind: "begin", ...EVERYWHERE, keepsUmask: true };
  steps.push(begin);
  const score = config.process!.oomScoreAdj;
  if (score !== undefined) {
    const step: OomScoreAdj = { kind: "oom-score-adj", from: "/process/oomScoreAdj", value: score };
    steps.push(step);
  }
  const initial = config.process!.execCPUAffinity?.initial;
  if (initial) steps.push(affinity("initial", initial));
  if (placement.files.length > 0) {
    const place: PlaceSelf = { kind: "place-self", from: "/linux/cgroupsPath", files: placement.files };
    steps.push(place);
  }
  if (placement.intoCgroup) {
    const step: CloneProcess = { kind: "clone-process", ...EVERYWHERE, intoCgroup: true };
    steps.push(step);
  }
  const join: JoinContainer = {
    kind: "join-container",
    from: "/linux/namespaces",
    namespaces,
    names: input.namespaceNames,
    changesRoot: (namespaces & CLONE_NEWNS) === 0,
    becomesRoot: (namespaces & CLONE_NEWUSER) !== 0,
    dropGroups: !keepsGroups(input.config),
  };
  const clone: CloneProcess = { kind: "clone-process", ...EVERYWHERE, intoCgroup: false };
  steps.push(join, clone);
  return steps;
}

/** In the process that is the container's: from root to the user. */
function becomeStage(input: ExecPlanInput, candidates: readonly string[]): Step[] {
  const { config } = input;
  const process = config.process!;
  const steps: Step[] = [{ kind: "init-begin", ...EVERYWHERE }];
  if (input.placement.byRuntime) steps.push({ kind: "await-placement", from: "/linux/cgroupsPath" });
  // Once in its cgroup: its cpuset would narrow them again.
  const { initial, final } = process.execCPUAffinity ?? {};
  if (final) steps.push(affinity("final", final));
  else if (!initial) steps.push(affinity("any", ""));
  if (process.apparmorProfile || process.selinuxLabel) pushLabels(steps, config);
  if (input.sessionKeyring) {
    const step: SessionKeyring = {
      kind: "session-keyring",
      ...EVERYWHERE,
      name: `_ses.${input.id}`,
      search: undefined,
      label: undefined,
    };
    steps.push(step);
  }
  if (process.terminal) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    const step: Console = {
      kind: "console",
      from: "/process/terminal",
      rows: height,
      columns: width,
      mount: false,
      given: "console",
    };
    steps.push({ kind: "open-root", ...EVERYWHERE }, step);
  }
  if (process.noNewPrivileges) steps.push({ kind: "no-new-privileges", from: "/process/noNewPrivileges" });
  if (input.umask !== undefined) {
    const mask: Umask = { kind: "umask", from: "/process/user/umask", mask: input.umask };
    steps.push(mask);
  }
  pushLastSteps(steps, input, candidates, { dumpable: false, holdsSignals: false });
  return steps;
}

/** Both files are opened and written here: what /proc shows of this process is to be seen from inside only. */
function pushLabels(steps: Step[], { process }: Config): void {
  const { processLabels, setLabelSteps } = require("./security-labels.ts") as typeof import("./security-labels.ts");
  for (const { module, from } of processLabels(process!))
    steps.push({ kind: "open-label-inside", from, module } as Step);
  for (const step of setLabelSteps(process!)) steps.push(step);
}

function executeStage(input: ExecPlanInput, candidates: readonly string[], env: readonly string[]): Step[] {
  const { filter } = input;
  const { args } = input.config.process!;
  const steps: Step[] = [
    { kind: "await-runtime", ...EVERYWHERE },
    { kind: "close-descriptors", ...EVERYWHERE },
  ];
  if (filter !== undefined && !loadsFilterEarly(input)) steps.push(filterStep(filter));
  const execute: Execute = { kind: "execute", from: "/process/args/0", name: args[0]!, candidates, args, env };
  steps.push(execute);
  return steps;
}

function affinity(which: SetCpuAffinity["which"], cpus: string): SetCpuAffinity {
  return { kind: "cpu-affinity", from: which === "any" ? "" : `/process/execCPUAffinity/${which}`, which, cpus };
}
