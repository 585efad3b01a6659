import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { belongToUser, isRoot } from "./ordinary-user.ts";

type Text = Record<string, string>;
type Section = Record<string, unknown>;

export interface Mount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
}
export interface Namespace {
  type: string;
  path?: string;
}
export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The parts of config.json that tests edit; the rest is reached with {@link put}. */
export interface Config {
  ociVersion: string;
  process: {
    terminal?: boolean;
    user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
    args: string[];
    env: string[];
    cwd: string;
    capabilities?: Record<string, string[]>;
    rlimits?: { type: string; hard: number; soft: number }[];
    noNewPrivileges?: boolean;
    oomScoreAdj?: number;
  };
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: Mount[];
  hooks?: Record<string, Hook[]>;
  annotations?: Text;
  linux: {
    namespaces: Namespace[];
    uidMappings?: IdMapping[];
    gidMappings?: IdMapping[];
    devices?: Section[];
    cgroupsPath?: string;
    resources?: Record<string, unknown>;
    sysctl?: Text;
    seccomp?: Section;
    rootfsPropagation?: string;
    maskedPaths?: string[];
    readonlyPaths?: string[];
    personality?: Section;
  };
}

export type Edit = (config: Config) => void;

const applets =
  "sh ash cat ls echo id hostname stat readlink mkdir rmdir touch mount umount mknod sleep true false env grep sed head tail cut sort wc od kill ps chmod chown ln rm mv test dd tr ulimit pwd uname sysctl awk find seq printf sync df unshare dnsdomainname tty stty ip cp chroot mkfifo timeout usleep";

/**
 * Makes a root file system of one static busybox (hard linked, so that a bundle costs no copy) and empty directories.
 * Mount points are there on purpose not: runtimes have to make those themselves, except the usual six.
 */
export function makeRootfs(rootfs: string, busybox: string): void {
  for (const dir of ["bin", "proc", "sys", "dev", "tmp", "etc", "root"])
    mkdirSync(join(rootfs, dir), { recursive: true });
  chmodSync(join(rootfs, "tmp"), 0o1777);
  linkSync(busybox, join(rootfs, "bin/busybox"));
  for (const applet of applets.split(" ")) symlinkSync("busybox", join(rootfs, "bin", applet));
  writeFileSync(
    join(rootfs, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n",
  );
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nuser:x:1000:\n");
}

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

/** What `spec` of runc writes, without terminal and with a writable root: every test starts from the same known config. */
export function usualConfig(): Config {
  const config = rootsConfig();
  if (!isRoot) belongToUser(config);
  return config;
}

function rootsConfig(): Config {
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: [...capabilities], effective: [...capabilities], permitted: [...capabilities] },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: false },
    hostname: "box",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=64k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
      },
      { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777"] },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    ],
    linux: {
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: "rwm" }] },
      maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

/** Makes the config not define anything below /dev: the image's own /dev is then what the container gets. */
export const withoutDev: Edit = (config) => {
  config.mounts = config.mounts.filter((mount) => !mount.destination.startsWith("/dev"));
};

/** Drops a namespace, so that the container shares the caller's. */
export function withoutNamespace(config: Config, type: string): void {
  // A new procfs shows a pid namespace that is the user namespace's own.
  if (type === "pid" && !isRoot) {
    const proc = config.mounts.find(({ destination }) => destination === "/proc");
    Object.assign(proc ?? {}, { type: "none", source: "/proc", options: ["rbind"] });
  }
  config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type);
}

/** Grants all of the names in each set but ambient. */
export function grant(config: Config, ...names: string[]): void {
  const all = [...capabilities, ...names];
  config.process.capabilities = { bounding: all, effective: all, permitted: all };
}

/**
 * Puts a value at a JSON Pointer (RFC 6901), whatever the type says: bad input is made so. `undefined` removes.
 * Missing objects on the way are made.
 */
export function put(config: Config, pointer: string, value: unknown): void {
  const keys = pointer.slice(1).split("/");
  const last = keys.pop()!.replaceAll("~1", "/").replaceAll("~0", "~");
  let place = config as unknown as Record<string, unknown>;
  for (const key of keys) {
    place[key] ??= {};
    place = place[key] as Record<string, unknown>;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
}
