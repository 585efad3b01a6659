/** The engine of `validate`: a bundle held against the rules, this host, and what a start would plan; nothing is made. */
import { EACCES, EPERM, errnoText } from "../../native-bindings/errno.ts";
import { S_IFDIR, tryStat } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { type ConfigFault, fault, warning } from "../bundle/config-fault.ts";
import { type Lint, lintText } from "../bundle/lint.ts";
import { readConfigText } from "../bundle/read-config-text.ts";
import { readHostCapabilities } from "../host/host-capabilities.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type DryRun, dryRequest } from "./dry-request.ts";
import { prepareStart } from "./prepare-start.ts";

/**
 * What keeps a bundle from running on this host as this user, with its cgroup made in the way that is asked for, and what in it will not
 * do what it seems to say.
 *
 * @throws RuntimeFault when there is no config.json that can be read.
 */
export function lintBundle(dryRun: Omit<DryRun, "log">): Lint {
  const { physical, configText } = readConfigText(dryRun.bundle);
  const { faults, warnings } = lintText(configText, readHostCapabilities(), dryRun.systemdCgroup);
  const more: ConfigFault[] = [];
  checkRootfs(configText, physical, more);
  if (faults.length === 0 && more.length === 0) checkPlan(dryRun, warnings, more);
  return {
    faults: [...more.filter(({ severity }) => severity === "fault"), ...faults],
    warnings: [...warnings, ...more.filter(({ severity }) => severity === "warning")],
  };
}

/** Whatever else is wrong: who corrects a document wants to know of all of it. */
function checkRootfs(configText: string, bundle: string, into: ConfigFault[]): void {
  const path = rootPath(configText);
  if (path === undefined) return;
  const rootfs = path.startsWith("/") ? path : `${bundle}/${path}`;
  const status = tryStat(rootfs);
  if (typeof status === "number") {
    note(into, "/root/path", `invalid rootfs: stat ${rootfs}: ${errnoText(-status)}`, -status, path);
  } else if (status.type !== S_IFDIR) {
    fault(into, "/root/path", `invalid rootfs: ${rootfs}: not a directory`, path);
  }
}

function rootPath(configText: string): string | undefined {
  let document: { readonly root?: { readonly path?: unknown } } | null;
  try {
    document = JSON.parse(configText);
  } catch {
    return undefined;
  }
  const path = document?.root?.path;
  return typeof path === "string" && path !== "" ? path : undefined;
}

/** What only planning finds: sources that are not there, mounts that can't be, a profile that would stop the runtime. */
function checkPlan(dryRun: Omit<DryRun, "log">, known: readonly ConfigFault[], into: ConfigFault[]): void {
  const told = known.map(({ pointer, message }) => `${pointer}: ${message}`);
  const silent = () => {};
  const log: Log = {
    debugging: false,
    debug: silent,
    stage: silent,
    info: silent,
    error: silent,
    warn: (message) => told.includes(message) || warning(into, "", message),
  };
  try {
    prepareStart(dryRequest({ ...dryRun, log }), "fifo", false, "");
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    const { what, where = "", value, errno, hint } = error.facts;
    const reason = errno === undefined ? "" : `: ${errnoText(errno)}`;
    const place = isPointer(where) || where === "" ? "" : ` (${where})`;
    note(into, isPointer(where) ? where : "", `${what}${reason}${place}${hint ? `; ${hint}` : ""}`, errno, value);
  }
}

/** Facts name a JSON Pointer, a path or a flag. */
function isPointer(where: string): boolean {
  return /^\/(process|root|hostname|domainname|mounts|hooks|annotations|linux)(\/|$)/.test(where);
}

/** What this user may not look at, another one may. */
function note(into: ConfigFault[], pointer: string, message: string, errno?: number, value?: unknown): void {
  const denied = (errno === EACCES || errno === EPERM) && syscall(SYS.geteuid) !== 0;
  if (denied) warning(into, pointer, `cannot be checked by this user: ${message}`, value);
  else fault(into, pointer, message, value);
}
