import { test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { bySystemd, hasCgroupV2, mayMakeCgroups } from "./cgroup-location.ts";
import { hasManyIds, isRoot } from "./ordinary-user.ts";
import { runtimeName, runtimePath } from "./runtime.ts";

/**
 * What another runtime, standing in for runts while the tests are proved, can't do or does differently, and why. A test
 * that needs one of these is skipped there with that reason.
 */
const standInGaps = {
  "time namespace": "1.1.5 doesn't know the time namespace",
  domainname: "1.1.5 doesn't know the field",
  personality: "1.1.5 doesn't know the field",
  "tiny memory limits": "runc init needs some MiB in the container's own cgroup",
  "cgroup in use": "1.1 only warns about a cgroup that has processes already",
  "newer limits": "1.1.5 doesn't know cpu-burst and cpu-idle, and takes no 0 for pids and rates",
  "update that says what it does": "runc ignores what is given beside a document, and device rules, without a word",
  "whole updates": "runc can't put back what was not in config.json",
  "events that end": "runc's end with the cgroup, not with the processes, and don't notice that nobody reads",
  "frozen processes end": "runc's delete waits for frozen processes that cgroup.kill has killed, and leaves them",
  "exact ids": "1.1.5 takes 4294967296 for 0",
  "no hang on a fifo": "runc waits for a writer",
  "clean pid file failure": "1.1.5 leaves its temporary file",
  "broken state files": "1.1.5 panics or can't delete",
  "features command": "1.1.5 has an earlier form",
  "hostile /dev": "1.1.5 and 1.8.1 trust the /dev of the image",
  "joined user namespace": "1.1.5 wants mappings for a namespace that it joins",
  "guarded /proc": "1.1.5 mounts over parts of /proc",
  "hostile passwd": "1.1.5 waits for a FIFO, and has no limits",
  "clean init": "init's environment names the state directory",
  "engine environment": "only runts carries a JavaScript engine",
  "recovers from kill -9": "runc leaks the cgroups, as its state isn't written yet",
  "one winner": "all eight may fail with 1.1.5, each undoing the others' work",
  "caller's soft limit": "Go raises its own soft limit to the hard one, and 1.1.5 hands that on",
  "pidfd socket": "1.1.5 has no such option",
  "idmapped mounts": "1.1.5 ignores the mappings of a mount",
  scheduler: "1.1.5 doesn't know the field",
  ioPriority: "1.1.5 doesn't know the field",
  memoryPolicy: "1.1.5 doesn't know the field",
  "component-wise --cgroup": "before 1.5.2 a sibling with the same beginning was taken for a cgroup below",
  "start without /proc": "runc init wants /proc/sys/kernel/cap_last_cap",
  "exec without mount namespace": "runc executes in the host's root directory",
  "affinity of exec": "1.1.5 doesn't know the field",
  netDevices: "1.1.5 doesn't know the field",
  "one start wins": "a start of 1.1.5 that loses may wait for ever at the FIFO",
  "small descriptor limits": "runc applies the limit before it is done opening files",
  "tidy host mounts": "mounts made without a mount namespace stay when the container is deleted",
  "inherited streams": "a foreground run of runc has pipes in place of the caller's streams",
  "init's heirs": "1.1.5 says that the container is not running",
  "sources inside": "1.1.5 looks for all sources before it mounts anything",
  "mode among options": "1.1.5 sets the mode afterwards only",
  "hook's terminal": "runc has a failing hook's words in its own message",
  "bare line": "1.1.5 logs an execve that fails like any other failure",
  "bind flags": "1.1.5 keeps a source's flags where they are locked only in part",
  "hooks under the filter": "1.1.5 has words of its own for it",
  "one mask": "before 1.4.3 each masked directory got a tmpfs of its own",
  "shared root": "1.1.5 makes / shared before pivot_root, so that the container's own root isn't",
  "unbindable root": "runc makes / unbindable before it binds the rootfs, which fails then",
  "stricter than runc": "runc accepts what the specification forbids or what can't work",
  "json pointers": "only runts says where in config.json a fault is",
  "ready later in the foreground": "runc reads no more once the program is ready",
  "job control of the runtime itself": "runc takes SIGTTOU for its container, and sets the terminal again and again",
  "missing roots": "1.1.5 lists nothing for a root that isn't there",
  completions: "runc's script is for bash only, and not in the program",
  "all faults at once": "only runts tells all faults of a config at once",
  "crun's extras": "runc knows nothing of crun's annotations and options",
  "validate and explain": "commands that only runts has",
} as const;

export type Feature = keyof typeof standInGaps;

/** Commands that callers of runts can do without for now: a test that needs one runs as soon as `--help` tells of it. */
const laterCommands = ["exec", "ps", "pause", "resume", "update", "events", "checkpoint", "restore"] as const;

type CommandFeature = `${(typeof laterCommands)[number]} command`;

let commands: string | undefined;

function commandGap(feature: string): string | undefined {
  const name = feature.slice(0, -" command".length);
  if (!feature.endsWith(" command") || !laterCommands.some((later) => later === name)) return undefined;
  commands ??= Bun.spawnSync([runtimePath, "--help"]).stdout.toString();
  return new RegExp(`^\\s+${name}\\b`, "m").test(commands) ? undefined : `${runtimeName} has no ${name} command yet`;
}

/** As `features` tells it. */
function netDevicesGap(feature: string): string | undefined {
  if (feature !== "netDevices" || isStandIn()) return undefined;
  const told = JSON.parse(Bun.spawnSync([runtimePath, "features"]).stdout.toString()) as {
    linux: { netDevices?: { enabled: boolean } };
  };
  return told.linux.netDevices?.enabled ? undefined : `${runtimeName} doesn't move network devices yet`;
}

function apparmorGap(): string | undefined {
  const enabled = "/sys/module/apparmor/parameters/enabled";
  if (!existsSync(enabled) || !readFileSync(enabled, "utf8").startsWith("Y")) return "AppArmor is not at work here";
  return Bun.which("apparmor_parser") === null ? "no apparmor_parser here to load a profile with" : undefined;
}

/** Made and removed in a namespace of its own. */
function vethGap(): string | undefined {
  const made = Bun.spawnSync(["unshare", "-n", "ip", "link", "add", "v0", "type", "veth"]);
  return made.exitCode === 0 ? undefined : `no veth devices here: ${made.stderr.toString().trim()}`;
}

function isOlderThan(major: number, minor: number): boolean {
  const [ours = 0, ourMinor = 0] = release().split(".").map(Number);
  return ours < major || (ours === major && ourMinor < minor);
}

/** A reason why this machine can't run a test, or undefined. */
const machineGaps = {
  root: () => (isRoot ? undefined : "only the host's root can"),
  "own cgroup": () => (mayMakeCgroups ? undefined : "no cgroup is delegated to this user"),
  "many ids": () => (hasManyIds ? undefined : "this user has no subordinate ids"),
  bash: () => (Bun.which("bash") === null ? "bash is not installed" : undefined),
  fish: () => (Bun.which("fish") === null ? "fish is not installed" : undefined),
  zsh: () => (Bun.which("zsh") === null ? "zsh is not installed" : undefined),
  tmux: () => (Bun.which("tmux") === null ? "tmux is not installed" : undefined),
  "two processors": () => (navigator.hardwareConcurrency < 2 ? "there is one processor" : undefined),
  "cgroup v1": () => (existsSync("/sys/fs/cgroup/cgroup.controllers") ? "the machine has cgroup v2 only" : undefined),
  "veth devices": () => vethGap(),
  // The tests' directories are in /run.
  "idmapped tmpfs": () => (isOlderThan(6, 3) ? "a tmpfs can be idmapped since Linux 6.3" : undefined),
  "cgroupfs driver": () => (bySystemd ? "systemd's driver takes the names of units" : undefined),
  "kept affinity": () =>
    hasCgroupV2 && isOlderThan(6, 2) ? "entering a cgroup gives a process all CPUs before Linux 6.2" : undefined,
  systemd: () => (existsSync("/run/systemd/system") ? undefined : "systemd is not at work here"),
  "user session": () => (existsSync("/run/user/1000/bus") ? undefined : "no user 1000 has a session here"),
  "no systemd": () => (existsSync("/run/systemd/system") ? "systemd is at work here" : undefined),
  AppArmor: () => apparmorGap(),
  SELinux: () => (existsSync("/sys/fs/selinux/enforce") ? undefined : "SELinux is not at work here"),
  "installed runc": () => (Bun.which("runc") === null ? "there is no runc to compare with" : undefined),
  "cgroup v2": () =>
    existsSync("/sys/fs/cgroup/cgroup.controllers") ? undefined : "the machine's controllers are cgroup v1's",
  "hybrid cgroups": () =>
    existsSync("/sys/fs/cgroup/unified/cgroup.procs") ? undefined : "the machine has no hybrid hierarchy",
  criu: () => criuGap(),
  "dirty memory tracking": () => criuGap("mem_dirty_track"),
  "user namespaces": () =>
    readFileSync("/proc/sys/user/max_user_namespaces", "utf8").trim() === "0" ? "no user namespaces here" : undefined,
} as const;

/** criu does not fit every kernel: an old one may not understand a newer kernel's vDSO. */
function criuGap(feature?: string): string | undefined {
  if (Bun.which("criu") === null) return "criu is not installed";
  const checked = Bun.spawnSync(["criu", "check", ...(feature === undefined ? [] : ["--feature", feature])]);
  if (checked.exitCode === 0) return undefined;
  if (feature !== undefined) return `this kernel has no ${feature} that criu can use`;
  const line = checked.stderr
    .toString()
    .split("\n")
    .find((each) => each.includes("Error"));
  return `the installed criu can't work with this kernel: ${line?.replace(/^.*?\): /, "")}`;
}

export type MachineFeature = keyof typeof machineGaps;

/** For what is prepared for tests that may be skipped. */
export function machineHas(feature: MachineFeature): boolean {
  return machineGaps[feature]() === undefined;
}

type Body = Parameters<typeof test>[1];

/** `test`, or a skip that says why: `needs("time namespace")("joins a time namespace", () => ...)`. */
export function needs(...features: (Feature | MachineFeature | CommandFeature)[]): (name: string, body: Body) => void {
  const reason = features.map(gapOf).find((gap) => gap !== undefined);
  return (name, body) => (reason === undefined ? test(name, body) : test.skip(`${name} (skipped: ${reason})`, body));
}

function gapOf(feature: Feature | MachineFeature | CommandFeature): string | undefined {
  const later = commandGap(feature) ?? netDevicesGap(feature);
  if (later !== undefined) return later;
  if (feature in machineGaps) return machineGaps[feature as MachineFeature]();
  return isStandIn() ? standInGaps[feature as Feature] : undefined;
}

let standIn: boolean | undefined;

function isStandIn(): boolean {
  if (runtimeName === "runts") return false;
  standIn ??= /^(runc|crun) version 1\./m.test(Bun.spawnSync([runtimePath, "--version"]).stdout.toString());
  return standIn;
}
