import { callersVariable } from "../../native-bindings/caller-words.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS, type SyscallName } from "../../native-bindings/syscall-numbers.ts";
import type { Config, LinuxSeccomp } from "../bundle/config.ts";
import { refusesUnknownCalls } from "../plan/annotations.ts";
import type { PlannedFilter } from "../plan/start-plan.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type CompiledSeccomp, cachedFilter, seccompIsOff } from "../seccomp/filter-cache.ts";

/** What init calls after a filter that is loaded before it has become the container's user. */
const NEEDED_EARLY: readonly SyscallName[] = [
  "setgroups",
  "setresgid",
  "setresuid",
  "capset",
  "prctl",
  "close",
  "read",
  "write",
  "execve",
];

/** And for hooks, which it runs with the filter in force. */
const NEEDED_FOR_HOOKS: readonly SyscallName[] = ["clone", "ppoll", "wait4", "dup3", "close", "execve", "exit_group"];

/** Where compiled filters are kept for the next container with the same profile: a directory of this user alone. */
export function filterCacheDirectory(): string {
  if (syscall(SYS.geteuid) === 0) return "/run/runts-seccomp";
  const own = callersVariable("XDG_RUNTIME_DIR");
  return own ? `${own}/runts-seccomp` : "";
}

/**
 * linux.seccomp as a filter, compiled or from the cache.
 *
 * @param hooks there are some that run with the filter in force.
 * @throws RuntimeFault for a profile that can't be compiled, or that would stop the runtime itself.
 */
export function seccompFilter(
  config: Config,
  cacheDirectory: string,
  log: Log,
  hooks = false,
): PlannedFilter | undefined {
  const seccomp = config.linux?.seccomp;
  if (seccomp === undefined || seccompIsOff(seccomp)) return undefined;
  if (refusesUnknownCalls(config)) {
    const unknown =
      require("../seccomp/refuse-unknown-calls.ts") as typeof import("../seccomp/refuse-unknown-calls.ts");
    unknown.refuseUnknownCalls(seccomp);
  }
  const compiled = cachedFilter(seccomp, cacheDirectory);
  if (log.debugging) log.stage(`seccomp filter: ${compiled.origin}, ${compiled.bpf.length / 8} instructions`);
  log.debug(`seccomp filter flags: ${compiled.flags}`);
  checkOwnCalls(compiled, seccomp, config.process!.noNewPrivileges === true, hooks);
  const { bpf, flags, listener } = compiled;
  const dumpable = listener && syscall(SYS.geteuid) !== 0;
  return { bpf, flags, listener, dumpable, forbidden: compiled.restricted.forbidden };
}

function checkOwnCalls(
  { restricted, listener }: CompiledSeccomp,
  seccomp: LinuxSeccomp,
  noNewPrivileges: boolean,
  hooks: boolean,
): void {
  let needed: readonly SyscallName[] = noNewPrivileges && !listener ? ["execve"] : NEEDED_EARLY;
  if (hooks) needed = needed.concat(NEEDED_FOR_HOOKS);
  const blocked = needed.filter((name) => restricted.forbidden.includes(SYS[name]));
  if (blocked.length > 0) {
    throw new RuntimeFault({
      what: `the seccomp profile blocks ${blocked.join(", ")}, which the runtime calls after loading it`,
      where: "/linux/seccomp",
      value: seccomp.defaultAction,
      hint: noNewPrivileges
        ? "allow them"
        : "allow them, or set process.noNewPrivileges, which lets the filter be loaded last",
    });
  }
}
