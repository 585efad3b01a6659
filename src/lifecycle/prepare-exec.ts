/** Everything of an exec that is thought out before anything is started. */
import { CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config, POSIXRlimit, Process } from "../bundle/config.ts";
import { stdioToOwn } from "../host/caller.ts";
import { homeDirectory } from "../host/home-directory.ts";
import { keepsGroups } from "../plan/annotations.ts";
import type { ExecPlanInput } from "../plan/exec-plan.ts";
import { planNamespaces } from "../plan/namespaces.ts";
import { needsHome } from "../plan/process.ts";
import { RuntimeFault } from "../report/fault.ts";
import { execProcess } from "./exec-process.ts";
import type { ExecRequest } from "./exec-request.ts";
import type { ExecTarget } from "./exec-target.ts";
import { hostId } from "./host-id.ts";
import { withoutGroups } from "./id-maps.ts";
import { callersOpenFiles } from "./limits.ts";
import { filterCacheDirectory, seccompFilter } from "./seccomp-filter.ts";

export interface PreparedExec {
  /** The plan's input, but for the placement, of which there may be several to be tried. */
  readonly input: Omit<ExecPlanInput, "placement">;
  /** Limits that the program has no right to set in a user namespace, and the runtime has. */
  readonly rlimitsByRuntime: readonly POSIXRlimit[];
}

/** @throws RuntimeFault for whatever is wrong. */
export function prepareExec(request: ExecRequest, target: ExecTarget): PreparedExec {
  const process = execProcess(request, target);
  // The container around it, with this process in its own one's place.
  const config: Config = { ...target.config, process };
  checkTerminal(request, process);
  if (process.apparmorProfile || process.selinuxLabel) {
    (require("./check-labels.ts") as typeof import("./check-labels.ts")).checkLabels(process);
  }
  const rootless = syscall(SYS.geteuid) !== 0;
  if (rootless) rootlessCheck().checkGroups(process);
  const { all, names } = joinedNamespaces(config);
  const rlimits = process.rlimits ?? [];
  const byRuntime = !rootless && (all & CLONE_NEWUSER) !== 0;
  const uid = process.user?.uid ?? 0;
  const denial = (all & CLONE_NEWUSER) !== 0 ? `/proc/${target.record.init_process_pid}/setgroups` : undefined;
  return {
    input: {
      id: request.id,
      config,
      namespaces: all,
      namespaceNames: names,
      process: {
        home: needsHome(process) ? homeDirectory(`/proc/${target.record.init_process_pid}/root`, uid) : "/",
        ownedStdio: process.terminal ? TERMINAL : stdioToOwn(hostId(config, uid), request.detach),
        groupsKept: keepsGroups(config) || withoutGroups(config, false, denial, request.log),
      },
      filter: seccompFilter(config, filterCacheDirectory(), request.log),
      rlimits: withCallersOpenFiles(rlimits, byRuntime ? [] : rlimits),
      sessionKeyring: target.record.no_new_keyring !== true,
      umask: umaskOf(request, process, target),
      preservedDescriptors: request.preserveFds,
    },
    rlimitsByRuntime: byRuntime ? rlimits : [],
  };
}

/** The container's, whatever its bundle says by now; a process from a file may have its own. */
function umaskOf({ processFile }: ExecRequest, process: Process, { config }: ExecTarget): number | undefined {
  const own = config.process!.user?.umask;
  return processFile === undefined ? own : (process.user?.umask ?? own);
}

/** All three standard descriptors are the same new terminal, which belongs to the container's root. */
const TERMINAL: readonly number[] = [0];

/** Those that are not the runtime's own: exactly these are init's too. */
function joinedNamespaces(config: Config): { all: number; names: string[] } {
  const names: string[] = [];
  for (const { type } of config.linux?.namespaces ?? []) names.push(type);
  return { all: planNamespaces(config).all, names };
}

function withCallersOpenFiles(asked: readonly POSIXRlimit[], own: readonly POSIXRlimit[]): readonly POSIXRlimit[] {
  for (const { type } of asked) if (type === "RLIMIT_NOFILE") return own;
  const inherited = callersOpenFiles();
  return inherited === undefined ? own : [inherited, ...own];
}

/** runc's words. */
function checkTerminal({ consoleSocket, detach, processFile }: ExecRequest, process: Process): void {
  const terminal = process.terminal === true;
  if (terminal && detach && consoleSocket === undefined) {
    throw new RuntimeFault({
      what: "cannot allocate tty if runc will detach without setting console socket",
      where: processFile === undefined ? "--tty" : "/terminal",
      hint: "give --console-socket",
    });
  }
  if (consoleSocket !== undefined && !(terminal && detach)) {
    throw new RuntimeFault({
      what: "cannot use console socket if runc will not detach or allocate tty",
      where: "--console-socket",
      value: consoleSocket,
    });
  }
}

function rootlessCheck(): typeof import("./check-rootless.ts") {
  return require("./check-rootless.ts") as typeof import("./check-rootless.ts");
}
