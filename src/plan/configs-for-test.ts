/** Configs that between them ask for every kind of step. For tests. */
import { exampleSpec } from "../lifecycle/spec.ts";

type Document = Record<string, unknown>;

const ENV = ["PATH=/usr/bin:/bin", "TERM=xterm"];

/** runc's example, with these members of the document, of process and of linux in place of its own. */
export function specWith(rest: Document = {}, process: Document = {}, linux: Document = {}): Document {
  const spec = JSON.parse(JSON.stringify(exampleSpec({ unifiedCgroups: false })));
  const namespaces = (linux.namespaces ?? spec.linux.namespaces) as { type: string }[];
  if (!namespaces.some(({ type }) => type === "uts")) delete spec.hostname;
  return { ...spec, ...rest, process: { ...spec.process, ...process }, linux: { ...spec.linux, ...linux } };
}

/** Every namespace new. */
export const ALL_NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user", "time"].map((type) => ({
  type,
}));

export const ID_MAPPINGS = {
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
};

export const KERNEL_SETTINGS = {
  scheduler: { policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 10000000, period: 20000000 },
  ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
  oomScoreAdj: 500,
};

export const LINUX_SETTINGS = {
  sysctl: { "net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1", "net/ipv4/conf/eth0.1/forwarding": "1" },
  personality: { domain: "LINUX32" },
  memoryPolicy: { mode: "MPOL_INTERLEAVE", nodes: "0-1,65", flags: ["MPOL_F_STATIC_NODES"] },
};

export const INNER_HOOKS = {
  prestart: [{ path: "/usr/bin/prestart" }],
  createRuntime: [{ path: "/usr/bin/create-runtime" }],
  createContainer: [
    { path: "/usr/bin/create-container", args: ["create-container", "--now"], env: ["KEY=value"], timeout: 5 },
    { path: "/usr/bin/second" },
  ],
  startContainer: [{ path: "/bin/start-container" }],
};

export const IDMAPPED_BIND = {
  destination: "/data",
  type: "none",
  source: "/srv/data",
  options: ["rbind", "ridmap", "nosuid", "rro", "rslave"],
  uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
  gidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
};

const PROC = { destination: "/proc", type: "proc", source: "proc" };

export const MOUNTS: readonly Document[] = [
  PROC,
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro", "nosuid"] },
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec"] },
  { destination: "/var/lib/db", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
  { destination: "/etc/resolv.conf", type: "bind", source: "/run/resolv.conf", options: ["bind", "ro", "rprivate"] },
  IDMAPPED_BIND,
  // A value longer than fsconfig(2) takes.
  { destination: "/merged", type: "overlay", source: "overlay", options: [`lowerdir=/${"lower".repeat(60)}:/low`] },
];

export const DEVICES = [
  { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438, uid: 1000, gid: 5 },
  { path: "/dev/disk/first", type: "b", major: 8, minor: 0 },
  { path: "/dev/queue", type: "p" },
];

/** As much of a config as one container can have. */
export const RICH = specWith(
  { hooks: INNER_HOOKS, mounts: MOUNTS, domainname: "example.org" },
  {
    args: ["server", "--listen"],
    env: ENV,
    cwd: "/srv/app",
    consoleSize: { height: 25, width: 80 },
    user: { uid: 1000, gid: 1000, umask: 7, additionalGids: [5, 6] },
    rlimits: [
      { type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 },
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    ],
    capabilities: Object.fromEntries(
      ["bounding", "effective", "inheritable", "permitted", "ambient"].map((set) => [set, ["CAP_KILL", "CAP_BPF"]]),
    ),
    ...KERNEL_SETTINGS,
  },
  {
    namespaces: ALL_NAMESPACES,
    ...ID_MAPPINGS,
    ...LINUX_SETTINGS,
    timeOffsets: { monotonic: { secs: 172800, nanosecs: 5 }, boottime: { secs: -1 } },
    devices: DEVICES,
    rootfsPropagation: "rshared",
  },
);
