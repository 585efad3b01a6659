import { EACCES, EPERM } from "../../native-bindings/errno.ts";
import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import type { Config, LinuxIDMapping } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";

type Mappings = readonly LinuxIDMapping[];

/** One mapping of the caller's own id: the only kind that needs no privilege, and no setgroups(2). user_namespaces(7). */
export function isOwnIdOnly(gids: Mappings): boolean {
  return gids.length === 1 && gids[0]!.size === 1 && gids[0]!.hostID === syscall(SYS.getegid);
}

/** Whether setgroups(2) must be denied before the maps can be written: without privilege, without newgidmap. */
export function groupsAreDenied(gids: Mappings): boolean {
  return syscall(SYS.geteuid) !== 0 && isOwnIdOnly(gids);
}

/**
 * Whether setgroups(2) is not to be had in a process's user namespace: in a new one as above, in another's and the caller's by what it says. Which
 * groups were asked for and are not given is warned of.
 *
 * @param made whether the container has a user namespace that was made for it.
 * @param joined the file that says it of one that is joined ("" when there is none to ask); undefined: it is the caller's.
 */
export function withoutGroups(
  config: Config,
  made: boolean,
  joined: string | undefined,
  log: Pick<Log, "warn">,
): boolean {
  if (made) return groupsAreDenied(config.linux?.gidMappings ?? []);
  const file = joined ?? (inFirstUserNamespace() ? "" : "/proc/self/setgroups");
  if (file === "" || readTextIfThere(file)?.trimEnd() !== "deny") return false;
  const asked = config.process?.user?.additionalGids ?? [];
  if (asked.length > 0) {
    log.warn(`/process/user/additionalGids: the user namespace denies groups: ${asked.join(" ")} are not set`);
  }
  return true;
}

/** What says it of a user namespace that is joined, where its path is that of a process: another file of that process. */
export function setgroupsOfJoined({ linux }: Config): string {
  const suffix = "/ns/user";
  for (const { type, path } of linux?.namespaces ?? []) {
    if (type === "user" && path?.startsWith("/proc/") && path.endsWith(suffix)) {
      return `${path.slice(0, -suffix.length)}/setgroups`;
    }
  }
  return "";
}

/**
 * Writes the id maps of a process's user namespace: directly, or where that is not permitted through newuidmap and newgidmap.
 *
 * @throws RuntimeFault with the pointer of the mappings.
 */
export function writeIdMaps(pid: number, uids: Mappings, gids: Mappings): void {
  if (groupsAreDenied(gids)) tryWriteExisting(`/proc/${pid}/setgroups`, "deny");
  writeMap(pid, "gid", gids);
  writeMap(pid, "uid", uids);
}

function writeMap(pid: number, kind: "uid" | "gid", mappings: Mappings): void {
  let lines = "";
  for (const { containerID, hostID, size } of mappings) lines += `${containerID} ${hostID} ${size}\n`;
  const result = tryWriteExisting(`/proc/${pid}/${kind}_map`, lines);
  if (result === 0) return;
  const where = `/linux/${kind}Mappings`;
  if (result !== -EPERM && result !== -EACCES) {
    throw new RuntimeFault({
      what: `unable to write the ${kind} map of the user namespace`,
      where,
      value: lines.trimEnd(),
      errno: -result,
      hint: "the kernel refuses maps that overlap, are empty, have more than 340 lines, or map ids the caller has not",
    });
  }
  runHelper(pid, kind, mappings, where);
}

/** newuidmap(1) and newgidmap(1): setuid helpers that allow what /etc/subuid and /etc/subgid grant. */
function runHelper(pid: number, kind: "uid" | "gid", mappings: Mappings, where: string): void {
  const tool = `new${kind}map`;
  const args = [String(pid)];
  for (const { containerID, hostID, size } of mappings) args.push(String(containerID), String(hostID), String(size));
  const { findProgram } =
    require("../../native-bindings/find-program.ts") as typeof import("../../native-bindings/find-program.ts");
  const path = findProgram(tool);
  if (path === undefined) {
    throw new RuntimeFault({
      what: `unable to write the ${kind} map of the user namespace: ${tool} is not in PATH`,
      where,
      errno: EPERM,
      hint: "install the package uidmap (shadow-utils), or map only your own id",
    });
  }
  const { runTool } = require("../hooks/run-tool.ts") as typeof import("../hooks/run-tool.ts");
  const { failure, stderr } = runTool(path, args, []);
  if (failure === undefined) return;
  throw new RuntimeFault({
    what: `${tool} failed with ${failure}: ${stderr.trim()}`,
    where,
    value: args.slice(1).join(" "),
    hint: `is the range granted to this user in /etc/sub${kind}?`,
  });
}
