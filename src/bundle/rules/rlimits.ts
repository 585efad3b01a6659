import type { POSIXRlimit } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";

/** config.md "POSIX process": a type occurs once; setrlimit(2): soft is at most hard. */
export function checkRlimits(rlimits: readonly POSIXRlimit[], at: string, into: ConfigFault[]): void {
  const seen: string[] = [];
  for (let i = 0; i < rlimits.length; i++) {
    const { type, soft, hard } = rlimits[i]!;
    if (seen.includes(type)) fault(into, `${at}/${i}/type`, "rlimit type is given more than once", type);
    else seen.push(type);
    if (soft > hard) {
      fault(into, `${at}/${i}/soft`, `error setting rlimit ${type}: soft limit exceeds hard limit ${hard}`, soft);
    }
  }
}
