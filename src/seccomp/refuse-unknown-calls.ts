import type { LinuxSeccomp } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { compileFilter } from "./compile-filter.ts";

/** @throws RuntimeFault for a profile that names calls that libseccomp does not know, and which are skipped otherwise. */
export function refuseUnknownCalls(seccomp: LinuxSeccomp): void {
  const [name] = compileFilter(seccomp).unknownSyscalls;
  if (name === undefined) return;
  throw new RuntimeFault({
    what: `the seccomp profile names a system call that libseccomp does not know: ${name}`,
    where: "/linux/seccomp/syscalls",
    hint: "the annotation run.oci.seccomp_fail_unknown_syscall makes that an error",
  });
}
