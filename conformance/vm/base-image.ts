import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cacheDirectory, scratchDirectory, tidyCache } from "./cache.ts";
import { run } from "./run.ts";

/** What is in the machine beside Debian's minimal system. */
const packages = [
  // The system: what containers meet on most servers.
  ...[
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "dbus-user-session",
    "apparmor",
    "kmod",
    "procps",
    "iproute2",
  ],
  // What the runtime calls or loads.
  ...["libseccomp2", "libsystemd0", "uidmap", "criu"],
  // What the tests call, and what a person who looks for a fault wants.
  ...["busybox-static", "libcap2-bin", "runc", "crun", "iptables", "strace", "less", "tmux"],
];
const kernelPackage = "linux-image-cloud-amd64";

export interface BaseImage {
  /** A raw ext4 file system; machines have it as a snapshot and never write to it. */
  readonly disk: string;
  readonly kernel: string;
  /** lib/modules/VERSION of the kernel. */
  readonly modules: string;
}

/**
 * The Debian system that the machine boots, made by debootstrap from where this machine's apt gets its packages, and kept. Takes a
 * minute the first time, and when the packages or this file have changed.
 *
 * @throws when a program that it calls fails, with what that said.
 */
export function baseImage(): BaseImage {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";
  const key = createHash("sha256")
    .update(readFileSync(import.meta.path))
    .update(codename)
    .digest("hex")
    .slice(0, 16);
  const directory = join(cacheDirectory(), key);
  tidyCache();
  if (!existsSync(directory)) build(directory, codename);
  utimesSync(directory, new Date(), new Date());
  return { disk: join(directory, "disk"), kernel: join(directory, "vmlinuz"), modules: join(directory, "modules") };
}

function build(directory: string, codename: string): void {
  console.error(`vm: making an image of Debian ${codename} with systemd (a minute, once)`);
  const scratch = scratchDirectory();
  try {
    const root = join(scratch, "root");
    const { site, proxy } = aptSource(codename);
    const env: Record<string, string> = proxy === "" ? {} : { http_proxy: proxy };
    run(["debootstrap", "--variant=minbase", `--include=${packages.join(",")}`, codename, root, site], { env });
    unpackKernel(scratch, root);
    settle(root);
    run(["truncate", "--size=3G", join(scratch, "disk")]);
    run(["mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal", "-d", root, join(scratch, "disk")]);
    rmSync(root, { recursive: true });
    renameSync(scratch, directory);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    // Another run may have made it meanwhile; then this one was for nothing, and no failure.
    if (!existsSync(directory)) throw error;
  }
}

/** Where this machine's apt gets the distribution from. */
function aptSource(codename: string): { site: string; proxy: string } {
  const format = "$(SITE) $(CODENAME) $(COMPONENT)";
  const lines = run(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]).split("\n");
  const site = lines.find((line) => line.endsWith(` ${codename} main`))?.split(" ")[0];
  if (site === undefined) throw new Error(`apt has no source for the main component of ${codename}`);
  const proxy = /'(.*)'/.exec(run(["apt-config", "shell", "proxy", "Acquire::http::Proxy"]))?.[1] ?? "";
  return { site, proxy };
}

/** The kernel without its package's dependencies: they are there to make an initial root for every machine, and take half a minute. */
function unpackKernel(scratch: string, root: string): void {
  const depends = run(["apt-cache", "depends", kernelPackage]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`apt knows no kernel behind ${kernelPackage}; has apt-get update been run?`);
  run(["apt-get", "download", "-q", name], { cwd: scratch });
  const file = readdirSync(scratch).find((each) => each.endsWith(".deb"))!;
  run(["dpkg-deb", "--extract", file, "kernel"], { cwd: scratch });
  rmSync(join(scratch, file));
  const boot = join(scratch, "kernel/boot");
  copyFileSync(join(boot, readdirSync(boot).find((each) => each.startsWith("vmlinuz"))!), join(scratch, "vmlinuz"));
  const version = readdirSync(join(scratch, "kernel/lib/modules"))[0]!;
  run(["depmod", "-b", join(scratch, "kernel"), version]);
  run(["cp", "-a", join(scratch, "kernel/lib/modules"), join(root, "usr/lib/")]);
  renameSync(join(scratch, "kernel/lib/modules", version), join(scratch, "modules"));
  rmSync(join(scratch, "kernel"), { recursive: true });
}

/** A user for rootless containers, whose session systemd starts with the machine; and nothing that only takes time. */
function settle(root: string): void {
  run(["chroot", root, "useradd", "--create-home", "--uid", "1000", "--shell", "/bin/bash", "user"]);
  mkdirSync(join(root, "var/lib/systemd/linger"), { recursive: true });
  writeFileSync(join(root, "var/lib/systemd/linger/user"), "");
  run(["systemctl", "--root", root, "set-default", "multi-user.target"]);
  run(["systemctl", "--root", root, "mask", "e2scrub_reap.service", "getty.target", "timers.target"]);
  writeFileSync(join(root, "etc/hostname"), "vm\n");
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost vm\n");
  writeFileSync(join(root, "etc/machine-id"), `${"0".repeat(31)}1\n`);
  rmSync(join(root, "var/cache/apt"), { recursive: true, force: true });
}
