/** Starts that between them have every kind of step, with the facts that make the difference. For tests. */
import { SYS, type SyscallName } from "../../native-bindings/syscall-numbers.ts";
import {
  ALL_NAMESPACES,
  DEVICES,
  ID_MAPPINGS,
  IDMAPPED_BIND,
  INNER_HOOKS,
  KERNEL_SETTINGS,
  LINUX_SETTINGS,
  MOUNTS,
  RICH,
  specWith,
} from "./configs-for-test.ts";
import type { Circumstances } from "./start-for-test.ts";
import type { PlannedFilter } from "./start-plan.ts";

/** What Docker's default profile does not allow to a container without capabilities, of the calls that programs make. */
const REFUSED_BY_DEFAULT: readonly SyscallName[] = [
  "bpf",
  "clone3",
  "fsconfig",
  "fsmount",
  "fsopen",
  "keyctl",
  "mount",
  "mount_setattr",
  "move_mount",
  "open_tree",
  "pivot_root",
  "setdomainname",
  "sethostname",
  "setns",
  "umount2",
  "unshare",
];

/** A program that allows everything, which is as good as any other that is never loaded: `forbidden` says what it means. */
const ALLOW = new Uint8Array(new Uint32Array([0x00000006, 0x7fff0000]).buffer);

function filter(refused: readonly SyscallName[], listener = false): PlannedFilter {
  return {
    bpf: ALLOW,
    flags: listener ? 8 : 0,
    listener,
    dumpable: listener,
    forbidden: refused.map((name) => SYS[name]),
  };
}

const LABEL = "u:object_r:container_file_t:s0:c1,c2";
const MQUEUE = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue" };

const CGROUP_V1 = {
  intoCgroup: false,
  files: ["cpu,cpuacct", "memory", "systemd"].map((name) => ({
    file: `/sys/fs/cgroup/${name}/box/tasks`,
    optional: name === "systemd",
  })),
};
const CGROUP_V2 = { intoCgroup: true, files: [] };
const V1_FACTS = {
  cgroups: {
    unified: false,
    hierarchies: [
      { name: "cpu,cpuacct", controllers: ["cpu", "cpuacct"], directory: "/sys/fs/cgroup/cpu,cpuacct/box" },
      { name: "systemd", controllers: ["name=systemd"], directory: "/sys/fs/cgroup/systemd/box" },
    ],
    root: "/sys/fs/cgroup",
    own: "/sys/fs/cgroup",
  },
};
const V2_FACTS = {
  cgroups: { unified: true, hierarchies: [], root: "/sys/fs/cgroup", own: "/sys/fs/cgroup/box" },
};
const CGROUP_NAMESPACE = [{ type: "mount" }, { type: "pid" }, { type: "cgroup" }];
const USER_NAMESPACE = { namespaces: ALL_NAMESPACES, ...ID_MAPPINGS };

function joined(...types: string[]): object[] {
  return types.map((type) => ({ type, path: `/proc/1000/ns/${type}` })).concat([{ type: "mount" } as never]);
}

/** What the default spec meets on a host with cgroup v1. */
export const SPEC_CIRCUMSTANCES: Circumstances = { facts: V1_FACTS, placement: CGROUP_V1 };

export const RICH_CIRCUMSTANCES: Circumstances = {
  facts: { ...V1_FACTS, givesSources: true, mayMakeDevices: false },
  placement: CGROUP_V1,
  filter: filter(REFUSED_BY_DEFAULT),
  rlimits: [],
  preservedDescriptors: 2,
};

export type Case = readonly [name: string, config: object, circumstances?: Circumstances];

/** What a start can be like: between them, all kinds of steps. */
export const START_CASES: readonly Case[] = [
  ["runc's default spec", specWith()],
  ["the default spec under run", specWith(), { startBy: "sync" }],
  ["without a terminal, standard streams handed over", specWith({}, { terminal: false, user: { uid: 7, gid: 7 } })],
  ["streams that are the host's null device", specWith({}, { terminal: false }), { facts: { nullStdio: [0, 1, 2] } }],
  [
    "such streams, and a /dev of the image",
    specWith({ mounts: [{ destination: "/proc", type: "proc", source: "proc" }] }, { terminal: false }),
    { facts: { nullStdio: [0] } },
  ],
  ["everything at once", RICH, RICH_CIRCUMSTANCES],
  ["everything at once under run", RICH, { ...RICH_CIRCUMSTANCES, startBy: "sync" }],
  ["a user namespace", specWith({}, {}, USER_NAMESPACE), { placement: CGROUP_V1 }],
  ["a user namespace by an ordinary user", specWith({}, {}, USER_NAMESPACE), { rootless: true }],
  [
    "a time namespace with offsets",
    specWith({}, {}, { namespaces: [{ type: "mount" }, { type: "time" }], timeOffsets: { boottime: { secs: 7 } } }),
  ],
  ["joined namespaces", specWith({}, {}, { namespaces: joined("network", "ipc", "uts", "pid", "time", "cgroup") })],
  [
    "joined namespaces, the user's among them",
    specWith({}, {}, { namespaces: joined("user", "network", "ipc") }),
    { facts: { givesSources: true, mayMakeDevices: false } },
  ],
  ["a joined mount namespace", specWith({}, {}, { namespaces: [{ type: "mount", path: "/proc/1000/ns/mnt" }] })],
  ["a filter, last", specWith(), { filter: filter(REFUSED_BY_DEFAULT) }],
  ["a filter, early", specWith({}, { noNewPrivileges: false }), { filter: filter(REFUSED_BY_DEFAULT) }],
  [
    "a filter of old, early: without close_range",
    specWith({ hooks: INNER_HOOKS }, { noNewPrivileges: false }),
    { filter: filter(["close_range"]) },
  ],
  [
    "a filter, early, and hooks that run under it",
    specWith({ hooks: INNER_HOOKS }, { noNewPrivileges: false }),
    { filter: filter(REFUSED_BY_DEFAULT) },
  ],
  [
    "a filter, early, that forbids to ask where one is",
    specWith({}, { noNewPrivileges: false, cwd: "/srv" }),
    { filter: filter(["getcwd", "chdir"]) },
  ],
  ["a filter with a listener", specWith(), { filter: filter([], true) }],
  ["a filter with a listener, early", specWith({}, { noNewPrivileges: false }), { filter: filter([], true) }],
  ["hooks of every kind", specWith({ hooks: INNER_HOOKS })],
  ["hooks of every kind under run", specWith({ hooks: INNER_HOOKS }), { startBy: "sync" }],
  ["preserved descriptors", specWith(), { preservedDescriptors: 5 }],
  ["all kernel settings", specWith({ domainname: "example.org" }, KERNEL_SETTINGS, LINUX_SETTINGS)],
  ["cgroup v1, placed by init", specWith({}, {}, { namespaces: CGROUP_NAMESPACE }), { placement: CGROUP_V1 }],
  ["cgroup v1 mounts in a cgroup namespace", specWith({}, {}, { namespaces: CGROUP_NAMESPACE }), { facts: V1_FACTS }],
  ["cgroup v1 mounts without a cgroup namespace", specWith(), { facts: V1_FACTS }],
  [
    "cgroup v2, born there",
    specWith({}, {}, { namespaces: CGROUP_NAMESPACE }),
    { placement: CGROUP_V2, facts: V2_FACTS },
  ],
  ["cgroup v2 mounts without a cgroup namespace", specWith(), { placement: CGROUP_V2, facts: V2_FACTS }],
  ["an idmapped bind mount", specWith({ mounts: [IDMAPPED_BIND] })],
  [
    "bind mounts given by the runtime",
    specWith({ mounts: MOUNTS }, {}, USER_NAMESPACE),
    { facts: { ...V1_FACTS, givesSources: true, mayMakeDevices: false } },
  ],
  ["a tmpfs that starts with what it covers", specWith({ mounts: MOUNTS }), { facts: V1_FACTS }],
  ["devices made", specWith({}, {}, { devices: DEVICES })],
  ["devices bound", specWith({}, {}, { devices: DEVICES }), { facts: { mayMakeDevices: false } }],
  ["the root moved", specWith(), { noPivot: true, facts: { hostMounts: ["/proc", "/sys"] } }],
  [
    "no mount namespace",
    specWith({ root: { path: "rootfs" }, mounts: [] }, {}, { namespaces: [], maskedPaths: [], readonlyPaths: [] }),
  ],
  ["labels of security modules", specWith({}, { apparmorProfile: "strict", selinuxLabel: "u:r:container_t:s0" })],
  [
    "labels of mounts",
    specWith({ mounts: [...MOUNTS, MQUEUE] }, {}, { mountLabel: LABEL }),
    { facts: { ...V1_FACTS, selinux: true } },
  ],
  ["network devices", specWith({}, {}, { netDevices: { eth1: { name: "net0" } } })],
  ["mounts in the host's mount namespace", specWith({}, {}, { namespaces: [], maskedPaths: [], readonlyPaths: [] })],
  [
    "no namespace, no terminal, no capabilities",
    {
      ociVersion: "1.2.0",
      root: { path: "rootfs" },
      process: { cwd: "/", args: ["/bin/true"], env: ["HOME=/"] },
      linux: { namespaces: [] },
    },
  ],
  ["without a session keyring", specWith(), { sessionKeyring: false }],
  ...["private", "rprivate", "slave", "shared", "unbindable", "runbindable"].map(
    (rootfsPropagation): Case => [`the root ${rootfsPropagation}`, specWith({}, {}, { rootfsPropagation })],
  ),
];
