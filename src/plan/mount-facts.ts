/** What planning the root file system needs to know of the host: plain data, so that a plan can be repeated. */

export interface BindSource {
  /** Absolute. */
  readonly path: string;
  readonly directory: boolean;
  /**
   * Relative to the root, when the source lies in it: then it is what is there when its turn comes, with what is mounted by then.
   * That it is not there yet is no error, and it counts as a directory.
   */
  readonly inside: string | undefined;
  /** The source is in a procfs: the only thing that may cover /proc. */
  readonly procfs: boolean;
  /**
   * Where the mount point is to be made when the destination is a symbolic link into nothing: relative to the root, without
   * links. Undefined: the destination as it is.
   */
  readonly resolvedDestination: string | undefined;
}

/** One directory below the container's /sys/fs/cgroup. cgroups(7). */
export interface CgroupHierarchyFacts {
  /** The name of the directory: "cpu,cpuacct", "systemd". */
  readonly name: string;
  /** "cpu", "cpuacct"; "name=systemd" for a named one. */
  readonly controllers: readonly string[];
  /** The container's cgroup in it, as the host's path. */
  readonly directory: string;
}

export interface CgroupMountFacts {
  readonly unified: boolean;
  /** v1: one for each mount of the host. */
  readonly hierarchies: readonly CgroupHierarchyFacts[];
  /** v2: where the host has it mounted, and the container's own directory. */
  readonly root: string;
  readonly own: string;
}

export interface MountFacts {
  /** By index into config.mounts; undefined for what is no bind mount. */
  readonly sources: readonly (BindSource | undefined)[];
  /** Of directories that a tmpfs without a mode covers, by the mount's pointer. */
  readonly coveredModes: Readonly<Record<string, number | undefined>>;
  /** The runtime is root on the host, and clones the sources for a container in a user namespace, which could not reach them. */
  readonly givesSources: boolean;
  readonly cgroups: CgroupMountFacts;
  /** The host's kernel has /proc/kcore. */
  readonly kcore: boolean;
  /** Device nodes can be made: the capability, in the host's own user namespace. */
  readonly mayMakeDevices: boolean;
  readonly selinux: boolean;
  /** Standard descriptors that are the host's /dev/null. */
  readonly nullStdio: readonly number[];
  /** `--no-pivot` only: mount points of proc and sysfs on the host, outside the root, the last made first. */
  readonly hostMounts: readonly string[];
}
