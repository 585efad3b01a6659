import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, makeRootfs, usualConfig } from "../integration/bundle.ts";

export type { Config };

/** The config that `runc spec` writes, but without a terminal, for one command. */
export function defaultConfig(args: readonly string[], cgroupsPath: string): Config {
  const config = usualConfig();
  config.process.args = [...args];
  config.process.rlimits = [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }];
  config.root.readonly = true;
  config.mounts.push(
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    },
  );
  config.linux.maskedPaths = [
    ...["acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi"].map(
      (name) => `/proc/${name}`,
    ),
    "/sys/firmware",
  ];
  config.linux.cgroupsPath = cgroupsPath;
  return config;
}

/** A config with nearly everything that a container engine asks for: a seccomp filter, limits, ids, masks, sysctls. */
export function fullConfig(args: readonly string[], cgroupsPath: string): Config {
  const config = defaultConfig(args, cgroupsPath);
  config.process.user = { uid: 1000, gid: 1000, umask: 0o22, additionalGids: [10, 20] };
  config.process.rlimits?.push(
    { type: "RLIMIT_CORE", hard: 0, soft: 0 },
    { type: "RLIMIT_NPROC", hard: 512, soft: 512 },
    { type: "RLIMIT_STACK", hard: 8_388_608, soft: 8_388_608 },
  );
  config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "size=16m"] });
  config.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1" };
  config.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }];
  config.linux.resources = {
    devices: [
      { allow: false, access: "rwm" },
      { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
    ],
    memory: { limit: 134_217_728 },
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
    pids: { limit: 100 },
  };
  config.linux.seccomp = seccompFilter();
  return config;
}

/** Everything is allowed but what containers have no business with; two rules look at arguments. */
export function seccompFilter(): Record<string, unknown> {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures:
      process.arch === "arm64" ? ["SCMP_ARCH_AARCH64"] : ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    syscalls: [
      ...refusedSyscalls.split(" ").map((name) => ({ names: [name], action: "SCMP_ACT_ERRNO", errnoRet: 1 })),
      {
        names: ["clone"],
        action: "SCMP_ACT_ERRNO",
        // CLONE_NEWUSER, clone(2).
        args: [{ index: 0, value: 0x10000000, valueTwo: 0x10000000, op: "SCMP_CMP_MASKED_EQ" }],
      },
      {
        names: ["socket"],
        action: "SCMP_ACT_ERRNO",
        // AF_VSOCK, vsock(7).
        args: [{ index: 0, value: 40, op: "SCMP_CMP_EQ" }],
      },
    ],
  };
}

const refusedSyscalls =
  "acct add_key adjtimex bpf clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key set_mempolicy set_mempolicy_home_node setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare uselib userfaultfd vhangup vmsplice personality sysfs ustat";

/** Writes a bundle of a static busybox. `directory` must not exist. @throws when there is no busybox. */
export function writeBundle(directory: string, config: Config): void {
  const busybox = Bun.which("busybox");
  if (busybox === null) throw new Error("no busybox: apt-get install busybox-static");
  mkdirSync(directory);
  // makeRootfs links it, which does not reach to another file system.
  const copy = join(directory, "busybox");
  copyFileSync(busybox, copy);
  makeRootfs(join(directory, "rootfs"), copy);
  writeConfig(directory, config);
}

/** Replaces the config.json of a bundle. */
export function writeConfig(directory: string, config: Config): void {
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
}
