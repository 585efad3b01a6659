import { existsSync, readFileSync } from "node:fs";

/** Reasons why a machine cannot do something, whatever the runtime. Empty: it can. */

/** CAP_SYS_RESOURCE, capability(7): engines ask for every capability, for more open files, for a lower oom_score_adj. */
export function noSysResource(): string {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${bounding}`) >> 24n) & 1n ? "" : "the bounding set lacks CAP_SYS_RESOURCE";
}

/** What `criu check` says of this kernel. */
export function noCheckpoint(): string {
  if (Bun.which("criu") === null) return "there is no criu";
  const done = Bun.spawnSync(["criu", "check"], { stderr: "pipe" });
  if (done.exitCode === 0) return "";
  const error = /Error.*$/m.exec(done.stderr.toString())?.[0] ?? `status ${done.exitCode}`;
  return `criu check: ${error}`;
}

/** A directory of cgroup version 1 that an ordinary user could be given does not exist: limits want version 2. */
export function onlyVersion2Delegates(): string {
  return existsSync("/sys/fs/cgroup/cgroup.controllers") ? "" : "cgroup version 1 is not delegated to users";
}

/**
 * containerd's statistics want every version 1 hierarchy of /proc/self/cgroup to be mounted where it looks; one that was unmounted
 * lives on for as long as somebody uses it.
 */
export function unmountedHierarchy(): string {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup")
    .flatMap((fields) => fields[3]!.split(","));
  for (const line of readFileSync("/proc/self/cgroup", "utf8").split("\n")) {
    const controller = line.split(":")[1]?.split(",")[0] ?? "";
    if (controller !== "" && !controller.startsWith("name=") && !mounted.includes(controller)) {
      return `the cgroup hierarchy of ${controller} is mounted nowhere`;
    }
  }
  return "";
}
