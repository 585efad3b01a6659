import type { LinuxSeccomp, LinuxSyscall } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";

/** config-linux.md "Seccomp", seccomp(2). Names of system calls are looked up when the filter is compiled. */
export function checkSeccomp(seccomp: LinuxSeccomp, at: string, into: ConfigFault[]): void {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp;
  if (defaultAction === "SCMP_ACT_NOTIFY") {
    fault(into, `${at}/defaultAction`, "SCMP_ACT_NOTIFY cannot be used as default action");
  }
  checkErrno(defaultAction, defaultErrnoRet, `${at}/defaultErrnoRet`, into);
  let notifies = false;
  for (let i = 0; i < syscalls.length; i++) {
    const rule = syscalls[i]!;
    checkSyscall(rule, `${at}/syscalls/${i}`, into);
    if (rule.action === "SCMP_ACT_NOTIFY") notifies = true;
  }
  if (notifies && !seccomp.listenerPath) fault(into, `${at}/listenerPath`, "seccomp listenerPath is not set");
  if (seccomp.listenerMetadata && !seccomp.listenerPath) {
    warning(into, `${at}/listenerMetadata`, "listenerMetadata without listenerPath: ignored");
  }
}

function checkSyscall(rule: LinuxSyscall, at: string, into: ConfigFault[]): void {
  const { names, action, args } = rule;
  if (names.length === 0) fault(into, `${at}/names`, "seccomp rule names no system call");
  const empty = names.indexOf("");
  if (empty >= 0) fault(into, `${at}/names/${empty}`, "empty string is not a valid syscall");
  if (action === "SCMP_ACT_NOTIFY") {
    const write = names.indexOf("write");
    if (write >= 0) fault(into, `${at}/names/${write}`, "SCMP_ACT_NOTIFY cannot be used for the write syscall");
  }
  checkErrno(action, rule.errnoRet, `${at}/errnoRet`, into);
  if (args === undefined) return;
  for (let i = 0; i < args.length; i++) {
    const { index } = args[i]!;
    if (index > 5) fault(into, `${at}/args/${i}/index`, "a system call has six arguments", index, "0 to 5");
  }
}

/** SECCOMP_RET_DATA: an errno is at most MAX_ERRNO, a tracer's message is 16 bits, the others carry nothing. */
function checkErrno(action: string, errno: number | undefined, at: string, into: ConfigFault[]): void {
  if (errno === undefined) return;
  const most = action === "SCMP_ACT_ERRNO" ? 4095 : action === "SCMP_ACT_TRACE" ? 65535 : -1;
  if (most < 0) fault(into, at, `errnoRet can't be used with ${action}`, errno, "SCMP_ACT_ERRNO or SCMP_ACT_TRACE");
  else if (errno > most) fault(into, at, "errnoRet is too large", errno, `at most ${most}`);
}
