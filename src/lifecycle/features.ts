import { CAPABILITIES } from "../../native-bindings/constants.ts";
import { RuntimeFault } from "../report/fault.ts";
import { actionNames } from "../seccomp/actions.ts";
import { architectureNames } from "../seccomp/architectures.ts";
import { operatorNames } from "../seccomp/comparisons.ts";
import { isFlagSupported, knownFlags } from "../seccomp/flags.ts";
import { libseccomp } from "../seccomp/libseccomp.ts";
import { specVersion } from "./state.ts";

/** The mount options that mean something to the runtime; all others go to the filesystem. A test holds it to the parser. */
export const mountOptions = (
  "async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec " +
  "noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime " +
  "remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime " +
  "rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync " +
  "tmpcopyup unbindable"
).split(" ");

/** Prefixes and names of what an engine must not pass on for somebody it doesn't trust. */
const unsafeAnnotations = [
  "bundle",
  "org.systemd.property.",
  "org.criu.config",
  "run.oci.keep_original_groups",
  "run.oci.mount_context_type",
];

export interface BuildFacts {
  readonly version: string;
  /** "" when unknown. */
  readonly commit: string;
  readonly compatibleRuncVersion: string;
}

/**
 * What `features` prints: what this build supports, whatever the host (only the supported seccomp flags are the kernel's).
 *
 * @see runtime-spec features.md, features-linux.md
 */
export function features(build: BuildFacts): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: specVersion,
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    mountOptions,
    linux: {
      namespaces: ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: seccompFeatures(),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: {
        modes: [
          "MPOL_BIND",
          "MPOL_DEFAULT",
          "MPOL_INTERLEAVE",
          "MPOL_LOCAL",
          "MPOL_PREFERRED",
          "MPOL_PREFERRED_MANY",
          "MPOL_WEIGHTED_INTERLEAVE",
        ],
        flags: ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"],
      },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: annotations(build),
    potentiallyUnsafeConfigAnnotations: unsafeAnnotations,
  };
}

function seccompFeatures(): object {
  return {
    enabled: libseccompVersion() !== undefined,
    actions: actionNames().sort(),
    operators: operatorNames().sort(),
    archs: architectureNames().sort(),
    knownFlags: knownFlags.map(([name]) => name),
    supportedFlags: knownFlags.filter(([, bit]) => bit === 0 || isFlagSupported(bit)).map(([name]) => name),
  };
}

function libseccompVersion(): string | undefined {
  try {
    return libseccomp().version;
  } catch (error) {
    // Not installed: then no profile can be applied, and that is what the answer says.
    if (error instanceof RuntimeFault) return undefined;
    throw error;
  }
}

/** Callers look for runc's names; the version there is that of the runc whose behaviour is followed. Keys are sorted. */
function annotations({ version, commit, compatibleRuncVersion }: BuildFacts): object {
  return {
    "io.github.seccomp.libseccomp.version": libseccompVersion(),
    "org.opencontainers.runc.checkpoint.enabled": "true",
    "org.opencontainers.runc.commit": commit || undefined,
    "org.opencontainers.runc.version": compatibleRuncVersion,
    "org.opencontainers.runts.version": version,
  };
}
