import { EEXIST } from "../../native-bindings/errno.ts";
import {
  close,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  tryOpen,
  tryUnlink,
  writeAll,
} from "../../native-bindings/files.ts";
import { syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";
import { goJson } from "../report/go-json.ts";
import { specVersion } from "./state.ts";

export interface SpecChoices {
  /** For a container that this user, who is not root, runs in a user namespace of its own. */
  readonly rootless?: { readonly uid: number; readonly gid: number };
  /** The host has only cgroup2: containers get a cgroup namespace. */
  readonly unifiedCgroups: boolean;
}

/**
 * Writes an example config.json into a directory.
 *
 * @throws RuntimeFault when there is one already: it is never overwritten.
 */
export function writeSpec(directory: string, rootless: boolean, unifiedCgroups: boolean): void {
  const path = `${directory}/config.json`;
  const user = rootless ? { uid: syscall(SYS.geteuid), gid: syscall(SYS.getegid) } : undefined;
  const fd = tryOpen(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
  if (fd === -EEXIST) throw new RuntimeFault({ what: "File config.json exists. Remove it first", where: "--bundle" });
  if (fd < 0) throw new RuntimeFault({ what: `open ${path}`, where: "--bundle", errno: -fd });
  try {
    writeAll(fd, utf8(goJson(exampleSpec({ rootless: user, unifiedCgroups }), "\t")), path);
  } catch (error) {
    tryUnlink(path);
    throw error;
  } finally {
    close(fd);
  }
}

/** The configuration that `runc spec` writes, which people and scripts start from: the same fields in the same order. */
export function exampleSpec({ rootless, unifiedCgroups }: SpecChoices): object {
  return {
    ociVersion: specVersion,
    process: exampleProcess(),
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: rootless === undefined ? exampleMounts() : exampleMounts().map(withoutPrivilege),
    linux: {
      ...(rootless === undefined
        ? { resources: { devices: [{ allow: false, access: "rwm" }] } }
        : {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
          }),
      namespaces: namespaces(rootless !== undefined, unifiedCgroups),
      maskedPaths: [
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/sys/firmware",
        "/proc/scsi",
      ],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

function exampleProcess(): object {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ["sh"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  };
}

interface ExampleMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options?: readonly string[];
}

function mount(destination: string, type: string, source: string, options?: string): ExampleMount {
  return { destination, type, source, options: options?.split(" ") };
}

function exampleMounts(): ExampleMount[] {
  return [
    mount("/proc", "proc", "proc"),
    mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
    mount("/dev/pts", "devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"),
    mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
    mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
    mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
    mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
  ];
}

/** sysfs needs a network namespace that one owns, and ids other than the one that is mapped mean nothing. */
function withoutPrivilege(example: ExampleMount): ExampleMount {
  if (example.destination === "/sys") return mount("/sys", "none", "/sys", "rbind nosuid noexec nodev ro");
  const options = example.options?.filter((option) => !option.startsWith("uid=") && !option.startsWith("gid="));
  return { ...example, options };
}

function namespaces(rootless: boolean, unifiedCgroups: boolean): object[] {
  const types = rootless ? ["pid", "ipc", "uts", "mount"] : ["pid", "network", "ipc", "uts", "mount"];
  if (unifiedCgroups) types.push("cgroup");
  if (rootless) types.push("user");
  return types.map((type) => ({ type }));
}
