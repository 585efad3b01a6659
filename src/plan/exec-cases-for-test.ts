/** Execs that between them have every kind of step, with the circumstances that make the difference. For tests. */
import { SYS, type SyscallName } from "../../native-bindings/syscall-numbers.ts";
import type { Config } from "../bundle/config.ts";
import { validateText } from "../bundle/validate.ts";
import { ALL_NAMESPACES, ID_MAPPINGS, specWith } from "./configs-for-test.ts";
import { type ExecPlan, type ExecPlanInput, planExec } from "./exec-plan.ts";
import { planNamespaces } from "./namespaces.ts";
import type { PlannedFilter } from "./start-plan.ts";

export type ExecCircumstances = Partial<Omit<ExecPlanInput, "config" | "namespaces" | "namespaceNames" | "id">>;

export type ExecCase = readonly [name: string, document: object, circumstances?: ExecCircumstances];

const ALLOW = new Uint8Array(new Uint32Array([0x00000006, 0x7fff0000]).buffer);

/** What Docker's default profile does not allow to a container without capabilities, of the calls that an exec makes. */
const REFUSED_BY_DEFAULT: readonly SyscallName[] = ["clone3", "fsconfig", "fsmount", "fsopen", "keyctl", "setns"];

function filter(refused: readonly SyscallName[], listener = false): PlannedFilter {
  return {
    bpf: ALLOW,
    flags: listener ? 8 : 0,
    listener,
    dumpable: listener,
    forbidden: refused.map((name) => SYS[name]),
  };
}

const V1 = {
  intoCgroup: false,
  files: ["memory", "systemd"].map((name) => ({
    file: `/sys/fs/cgroup/${name}/box/tasks`,
    optional: name === "systemd",
  })),
  byRuntime: false,
};
const HYBRID = { ...V1, intoCgroup: true };
const BY_RUNTIME = { intoCgroup: false, files: [], byRuntime: true };
const LABELS = { apparmorProfile: "docker-default", selinuxLabel: "system_u:system_r:container_t:s0" };
const RARE = {
  scheduler: { policy: "SCHED_IDLE" },
  ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
  execCPUAffinity: { initial: "0", final: "0-1" },
};
const LINUX_RARE = {
  personality: { domain: "LINUX32" },
  memoryPolicy: { mode: "MPOL_BIND", nodes: "0" },
};
const NO_MOUNT_NAMESPACE = { namespaces: [{ type: "pid" }], maskedPaths: [], readonlyPaths: [] };

export const EXEC_CASES: readonly ExecCase[] = [
  ["the example", specWith()],
  ["cgroup v1", specWith(), { placement: V1 }],
  ["hybrid", specWith(), { placement: HYBRID }],
  ["cgroup v2", specWith(), { placement: { ...HYBRID, files: [] } }],
  ["placed by the runtime", specWith(), { placement: BY_RUNTIME }],
  ["all namespaces", specWith({}, {}, { namespaces: ALL_NAMESPACES, ...ID_MAPPINGS }), { rlimits: [] }],
  ["no namespace", specWith({ mounts: [] }, {}, { ...NO_MOUNT_NAMESPACE, namespaces: [] })],
  ["no mount namespace", specWith({ mounts: [] }, {}, NO_MOUNT_NAMESPACE), { placement: HYBRID }],
  ["a terminal", specWith({}, { terminal: true, consoleSize: { height: 24, width: 80 } })],
  ["a terminal of any size", specWith({}, { terminal: true }), { placement: HYBRID }],
  ["labels", specWith({}, LABELS)],
  ["rare settings", specWith({}, RARE, LINUX_RARE)],
  ["initial affinity only", specWith({}, { execCPUAffinity: { initial: "0,3" } })],
  ["no keyring, the caller's umask", specWith(), { sessionKeyring: false, umask: undefined }],
  ["oom score", specWith({}, { oomScoreAdj: 100 })],
  ["descriptors", specWith({}, { args: ["/bin/sh"] }), { preservedDescriptors: 5 }],
  ["a filter, last", specWith({}, { noNewPrivileges: true }), { filter: filter(REFUSED_BY_DEFAULT) }],
  ["a filter, early", specWith({}, { noNewPrivileges: false }), { filter: filter(REFUSED_BY_DEFAULT) }],
  [
    "a filter of before close_range",
    specWith({}, { noNewPrivileges: false }),
    { filter: filter([...REFUSED_BY_DEFAULT, "close_range"]) },
  ],
  ["a listener", specWith({}, { noNewPrivileges: true }), { filter: filter([], true) }],
  ["a listener, early", specWith({}, { noNewPrivileges: false }), { filter: filter([], true) }],
];

/** The plan of an exec of a config's own process. @throws Error for an invalid config. */
export function plannedExec(document: object, circumstances: ExecCircumstances = {}): ExecPlan {
  const { value, faults } = validateText(JSON.stringify(document));
  if (value === undefined) throw new Error(`the test's config is invalid: ${JSON.stringify(faults)}`);
  const config: Config = value;
  return planExec({
    id: "box",
    config,
    namespaces: planNamespaces(config).all,
    namespaceNames: (config.linux?.namespaces ?? []).map(({ type }) => type),
    process: { home: "/root", ownedStdio: config.process!.terminal ? [0] : [0, 1, 2], groupsKept: false },
    filter: undefined,
    rlimits: config.process!.rlimits ?? [],
    sessionKeyring: true,
    umask: 0o22,
    placement: { intoCgroup: false, files: [], byRuntime: false },
    preservedDescriptors: 0,
    ...circumstances,
  });
}
