import type { LinuxCapabilities } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";

/** capabilities(7), in the order of their numbers. One string: a set of 41 names costs more to build than to search. */
const known =
  " CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP" +
  " CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER" +
  " CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE" +
  " CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL" +
  " CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ" +
  " CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE ";

const isKnown = (name: string) => name.startsWith("CAP_") && !name.includes(" ") && known.includes(` ${name} `);

/** Members of process.capabilities; others, of an extension, may be anything. */
export const setNames = ["bounding", "effective", "inheritable", "permitted", "ambient"] as const;

/** Generous: the kernel has 41, and names may be repeated. */
const mostNames = 1024;

/** The capability's number, -1 when the name is unknown. Not for the hot path. */
export function capabilityNumber(name: string): number {
  return known.trim().split(" ").indexOf(name);
}

/** The sets of process.capabilities: unknown names are ignored as runc ignores them, capset(2)'s rule is not. */
export function checkCapabilities(sets: LinuxCapabilities, at: string, into: ConfigFault[]): void {
  const none: readonly string[] = [];
  const { bounding = none, effective = none, inheritable = none, permitted = none, ambient = none } = sets;
  for (const name of setNames) {
    const set = sets[name];
    if (set === undefined || set.length <= mostNames) continue;
    // Keeps what follows, which compares lists with lists, from taking minutes over a hostile document.
    fault(into, `${at}/${name}`, "too many capabilities", set.length, `at most ${mostNames}`);
    return;
  }
  const unknown: string[] = [];
  for (const set of [bounding, effective, inheritable, permitted, ambient]) {
    for (let i = 0; i < set.length; i++) {
      const name = set[i]!;
      // Callers write the same list several times: only the first is looked up.
      if ((set !== bounding && name === bounding[i]) || isKnown(name) || unknown.includes(name)) continue;
      unknown.push(name);
    }
  }
  if (unknown.length > 0) {
    warning(into, at, `ignoring unknown or unavailable capabilities: [${unknown.join(" ")}]`);
  }
  for (let i = 0; i < effective.length; i++) {
    const name = effective[i]!;
    if (permitted[i] === name || permitted.includes(name) || !isKnown(name)) continue;
    const why = "unable to apply caps: operation not permitted: an effective capability that is not permitted";
    fault(into, `${at}/effective/${i}`, why, name, "a name of /process/capabilities/permitted");
  }
  for (let i = 0; i < ambient.length; i++) {
    const name = ambient[i]!;
    if (!isKnown(name) || (permitted.includes(name) && inheritable.includes(name))) continue;
    warning(into, `${at}/ambient/${i}`, `can't raise ambient capability ${name}: it is not permitted and inheritable`);
  }
}
