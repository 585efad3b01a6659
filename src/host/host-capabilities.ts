/** What this kernel, its set-up and this process's privilege allow: plain data, which can be written down and replayed. */
import { readText, readTextIfThere, tryReadDirectory } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { readCgroupLayout } from "./cgroup-layout.ts";
import { securityModules } from "./security-modules.ts";

export interface HostCapabilities {
  readonly kernel: { readonly release: string; readonly major: number; readonly minor: number };
  /** Active Linux security modules: "apparmor", "selinux", "landlock" ... */
  readonly securityModules: readonly string[];
  readonly cgroupMode: "v1" | "hybrid" | "v2";
  /** "memory", "cpu", "blkio" (v1) or "io" (v2) ... */
  readonly controllers: readonly string[];
  readonly euid: number;
  /** The highest capability's number. */
  readonly lastCapability: number;
  /** "kill_process", "user_notif" ...; empty without seccomp. */
  readonly seccompActions: readonly string[];
  /** Names in /proc/self/ns: "mnt", "net" ... */
  readonly namespaces: readonly string[];
  /** How many user namespaces may be made. 0 forbids them. */
  readonly mostUserNamespaces: number;
  /** What mount(2) knows without loading a module. */
  readonly fileSystems: readonly string[];
}

/** @throws SystemError when /proc or the cgroup file system is not mounted. */
export function readHostCapabilities(): HostCapabilities {
  const release = readText("/proc/sys/kernel/osrelease").trim();
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  const layout = readCgroupLayout();
  const controllers =
    layout.mode === "v2"
      ? words(readTextIfThere("/sys/fs/cgroup/cgroup.controllers"))
      : layout.hierarchies.map((hierarchy) => hierarchy.key).filter((key) => key !== "");
  const namespaces = tryReadDirectory("/proc/self/ns");
  return {
    kernel: { release, major, minor },
    securityModules: securityModules(),
    cgroupMode: layout.mode,
    controllers,
    euid: syscall(SYS.geteuid),
    lastCapability: Number(readText("/proc/sys/kernel/cap_last_cap")),
    seccompActions: words(readTextIfThere("/proc/sys/kernel/seccomp/actions_avail")),
    namespaces: typeof namespaces === "number" ? [] : namespaces.map((entry) => entry.name),
    // Missing where the kernel has no user namespaces at all.
    mostUserNamespaces: Number(readTextIfThere("/proc/sys/user/max_user_namespaces") ?? 0),
    fileSystems: fileSystemsOf(readText("/proc/filesystems")),
  };
}

const words = (text = "") => text.split(/\s+/).filter(Boolean);

/** Lines of "nodev\tNAME" or "\tNAME", proc_filesystems(5). */
function fileSystemsOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.slice(line.indexOf("\t") + 1))
    .filter(Boolean);
}
