import { EFAULT } from "../../native-bindings/errno.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";

// SECCOMP_FILTER_FLAG_*, include/uapi/linux/seccomp.h
export const FLAG_LOG = 1 << 1;
export const FLAG_SPEC_ALLOW = 1 << 2;
export const FLAG_NEW_LISTENER = 1 << 3;
export const FLAG_WAIT_KILLABLE_RECV = 1 << 5;

const SECCOMP_SET_MODE_FILTER = 1;

/**
 * The flags that `flags` may hold, in the order that `features` lists them.
 *
 * TSYNC has no bit here: it spreads the filter to the other threads, and the process that loads this one has none.
 */
export const knownFlags: readonly (readonly [name: string, bit: number])[] = [
  ["SECCOMP_FILTER_FLAG_TSYNC", 0],
  ["SECCOMP_FILTER_FLAG_SPEC_ALLOW", FLAG_SPEC_ALLOW],
  ["SECCOMP_FILTER_FLAG_LOG", FLAG_LOG],
  ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", FLAG_WAIT_KILLABLE_RECV],
];

/**
 * The flags to load the filter of this section with, seccomp(2).
 *
 * @param supported {@link isFlagSupported}, unless a test says otherwise.
 * @throws RuntimeFault for a flag that is unknown, that this kernel lacks, or that needs a SCMP_ACT_NOTIFY rule.
 */
export function filterFlags(seccomp: LinuxSeccomp, supported: (bit: number) => boolean = isFlagSupported): number {
  let flags = seccomp.syscalls?.some((rule) => rule.action === "SCMP_ACT_NOTIFY") ? FLAG_NEW_LISTENER : 0;
  // Not the same as an empty list, by which a profile asks for none.
  if (seccomp.flags === undefined) return supported(FLAG_SPEC_ALLOW) ? flags | FLAG_SPEC_ALLOW : flags;
  seccomp.flags.forEach((name, i) => {
    const where = `/linux/seccomp/flags/${i}`;
    const bit = knownFlags.find(([known]) => known === name)?.[1];
    if (bit === undefined) throw new RuntimeFault({ what: `seccomp flag ${name} is not known to runts`, where });
    if (bit === FLAG_WAIT_KILLABLE_RECV && (flags & FLAG_NEW_LISTENER) === 0) {
      throw new RuntimeFault({ what: `seccomp flag ${name} needs a rule with SCMP_ACT_NOTIFY`, where });
    }
    if (bit !== 0 && !supported(bit)) {
      throw new RuntimeFault({ what: `seccomp flag ${name} is not supported by this kernel`, where });
    }
    flags |= bit;
  });
  return flags;
}

/**
 * Whether this kernel knows a flag: with it and no filter the call fails on the missing filter (EFAULT), not on the flag.
 */
export function isFlagSupported(bit: number): boolean {
  // The kernel takes WAIT_KILLABLE_RECV together with NEW_LISTENER only.
  const flags = bit === FLAG_WAIT_KILLABLE_RECV ? bit | FLAG_NEW_LISTENER : bit;
  return syscall(SYS.seccomp, SECCOMP_SET_MODE_FILTER, flags, 0) === -EFAULT;
}
