/** Which process `exec` is to run. */
import type { LinuxCapabilities, Process } from "../bundle/config.ts";
import type { ConfigFault } from "../bundle/config-fault.ts";
import { configName, readConfigText } from "../bundle/read-config-text.ts";
import { readProcessFile } from "../bundle/read-process.ts";
import { valueOrThrow } from "../bundle/refuse.ts";
import { checkWholeProcess } from "../bundle/rules/whole-process.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ExecRequest, ProcessFlags } from "./exec-request.ts";
import type { ExecTarget } from "./exec-target.ts";

/**
 * The process, complete: from the file that was given, or from the bundle's config.json as it is now with the changes of the
 * command line; what neither says is as the container's own process has it, and so is its
 * oom_score_adj. Limits are not: as with runc, those that nobody gives are the caller's.
 *
 * @throws RuntimeFault, listing every fault.
 */
export function execProcess(request: ExecRequest, target: ExecTarget): Process {
  const found: ConfigFault[] = [];
  const given =
    request.processFile === undefined
      ? fromBundle(request, target, found)
      : readProcessFile(request.processFile, found);
  for (const { pointer, message } of found) request.log.warn(`${pointer}: ${message}`);
  const own = target.config.process!;
  return {
    ...given,
    capabilities: given.capabilities ?? own.capabilities,
    apparmorProfile: given.apparmorProfile || own.apparmorProfile,
    selinuxLabel: given.selinuxLabel || own.selinuxLabel,
    ioPriority: given.ioPriority ?? own.ioPriority,
    scheduler: given.scheduler ?? own.scheduler,
    execCPUAffinity: given.execCPUAffinity ?? own.execCPUAffinity,
    oomScoreAdj: own.oomScoreAdj,
  };
}

/** @param warnings is filled. */
function fromBundle({ args, flags }: ExecRequest, target: ExecTarget, warnings: ConfigFault[]): Process {
  const { record, configText, config } = target;
  const text = readConfigText(record.bundle).configText;
  const base = text === configText ? config.process! : edited(text, `${record.bundle}/${configName}`);
  if (args.length === 0) throw new RuntimeFault({ what: "exec args cannot be empty" });
  const process = withFlags(base, args, flags);
  const found: ConfigFault[] = [];
  checkWholeProcess(process, "/process", found);
  if (found.length === 0) return process;
  const faults: ConfigFault[] = [];
  for (const one of found) (one.severity === "fault" ? faults : warnings).push(one);
  return valueOrThrow({ value: process, faults, warnings }, configName);
}

function edited(text: string, path: string): Process {
  return (require("../bundle/edited-process.ts") as typeof import("../bundle/edited-process.ts")).editedProcess(
    text,
    path,
  );
}

function withFlags(base: Process, args: readonly string[], flags: ProcessFlags): Process {
  const { cwd, env, tty, additionalGids, processLabel, apparmor, noNewPrivileges, capabilities } = flags;
  if (cwd !== "" && cwd[0] !== "/") {
    throw new RuntimeFault({ what: "Cwd must be an absolute path", where: "--cwd", value: cwd });
  }
  for (const entry of env) {
    if (entry.indexOf("=") > 0) continue;
    // Its value is not shown: it may be a secret.
    const what = entry[0] === "=" ? "name cannot be empty" : "missing '='";
    throw new RuntimeFault({ what: `invalid environment variable: ${what}`, where: "--env" });
  }
  return {
    ...base,
    args,
    cwd: cwd || base.cwd,
    env: [...(base.env ?? []), ...env],
    terminal: tty,
    user: userOf(base.user, flags.user, additionalGids),
    selinuxLabel: processLabel || base.selinuxLabel,
    apparmorProfile: apparmor || base.apparmorProfile,
    noNewPrivileges: noNewPrivileges ?? base.noNewPrivileges,
    capabilities: base.capabilities === undefined ? undefined : withCapabilities(base.capabilities, capabilities),
  };
}

function userOf(base: Process["user"], text: string, gids: readonly number[]): Process["user"] {
  if (text === "" && gids.length === 0) return base;
  const additionalGids = [...(base?.additionalGids ?? []), ...gids];
  if (text === "") return { ...base, additionalGids };
  const colon = text.indexOf(":");
  const uid = idOf(colon < 0 ? text : text.slice(0, colon), "uid", text);
  const gid = colon < 0 ? base?.gid : idOf(text.slice(colon + 1), "gid", text);
  return { ...base, uid, gid, additionalGids };
}

const HIGHEST_ID = 2147483647;

/** Decimal digits, all of it, and in range: whatever else it could be taken for, it must not come out as root. */
function idOf(text: string, kind: "uid" | "gid", whole: string): number {
  let valid = text.length > 0 && text.length <= 10;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) valid = false;
  }
  const id = Number(text);
  if (valid && id <= HIGHEST_ID) return id;
  throw new RuntimeFault({
    what: `bad ${kind}: not a number from 0 to ${HIGHEST_ID}`,
    where: "--user",
    value: whole,
    hint: "give UID or UID:GID: names are not looked up",
  });
}

/** To what may be used, and never to what is inherited (CVE-2022-29162): ambient only where that was inherited before. */
function withCapabilities(sets: LinuxCapabilities, added: readonly string[]): LinuxCapabilities {
  if (added.length === 0) return sets;
  const { bounding = [], effective = [], permitted = [], inheritable = [], ambient = [] } = sets;
  const raised: string[] = [];
  for (const name of added) if (inheritable.includes(name)) raised.push(name);
  return {
    ...sets,
    bounding: [...bounding, ...added],
    effective: [...effective, ...added],
    permitted: [...permitted, ...added],
    ambient: [...ambient, ...raised],
  };
}
