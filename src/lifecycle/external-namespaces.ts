/**
 * Namespaces that a container joined. criu makes those of its images anew; the network and the pid namespace it leaves to us
 * when they are called external, all others it is told to join.
 */
import { tryStat } from "../../native-bindings/files.ts";
import type { Config } from "../bundle/config.ts";
import { type Criu, versionText } from "../criu/check-version.ts";
import type { CriuOptions } from "../criu/messages.ts";
import { FIRST_EXTRA } from "../criu/swrk.ts";
import { planNamespaces } from "../plan/namespaces.ts";
import type { JoinedNamespace } from "../plan/steps/join-namespaces.ts";
import { RuntimeFault } from "../report/fault.ts";

/** The kernel's names, as in /proc/PID/ns. */
const KERNEL_NAMES: Readonly<Record<string, string>> = {
  pid: "pid",
  network: "net",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

/** The two that criu can leave alone: the name that goes with each, which is runc's, and since when. */
const EXTERNAL: Readonly<Record<string, { readonly key: string; readonly since: number } | undefined>> = {
  network: { key: "extRootNetNS", since: 31100 },
  pid: { key: "extRootPidNS", since: 31500 },
};

/**
 * The external namespaces of a container, in criu's terms: "net[INODE]:extRootNetNS".
 *
 * @throws RuntimeFault when criu is too old for one.
 */
export function namespacesToSave(config: Config, pid: number, criu: Criu): string[] {
  const found: string[] = [];
  for (const joined of planNamespaces(config).joined) {
    const external = EXTERNAL[joined.type];
    if (external === undefined) continue;
    requireSupport(joined, external.since, criu, "checkpointing");
    // What init is in, not what the path names by now: the process it led through may have ended.
    const path = `/proc/${pid}/ns/${KERNEL_NAMES[joined.type]}`;
    const status = tryStat(path);
    if (typeof status === "number") {
      throw new RuntimeFault({ what: `unable to look at the ${joined.type} namespace`, where: path, errno: -status });
    }
    found.push(`${KERNEL_NAMES[joined.type]}[${status.inode}]:${external.key}`);
  }
  return found;
}

/** What a restore is told of namespaces, and the descriptors that criu must be given for it. */
export interface RestoredNamespaces {
  readonly options: Pick<CriuOptions, "inherit_fd" | "join_ns">;
  readonly extra: readonly number[];
}

/**
 * @param opened descriptors of the joined namespaces, `ns:TYPE`: that each is what it is said to be was checked.
 * @throws RuntimeFault for one that criu can't restore into.
 */
export function namespacesToRestore(
  joined: readonly JoinedNamespace[],
  opened: ReadonlyMap<string, number>,
  criu: Criu,
): RestoredNamespaces {
  const inherited: { key: string; fd: number }[] = [];
  const joining: { ns: string; ns_file: string }[] = [];
  const extra: number[] = [];
  for (const namespace of joined) {
    const { type, path, from } = namespace;
    const external = EXTERNAL[type];
    if (external !== undefined) {
      requireSupport(namespace, external.since, criu, "the restoration");
      inherited.push({ key: external.key, fd: FIRST_EXTRA + extra.length });
      extra.push(opened.get(`ns:${type}`)!);
    } else if (type === "cgroup") {
      throw new RuntimeFault({
        what: "criu cannot restore into an existing cgroup namespace",
        where: from,
        value: path,
      });
    } else {
      joining.push({ ns: KERNEL_NAMES[type]!, ns_file: path });
    }
  }
  return { options: { inherit_fd: inherited, join_ns: joining }, extra };
}

function requireSupport({ type, from }: JoinedNamespace, since: number, criu: Criu, when: string): void {
  if (criu.version >= since) return;
  throw new RuntimeFault({
    what: `criu lacks support for external ${KERNEL_NAMES[type]} namespace during ${when} process (old criu version?)`,
    where: from,
    hint: `it needs criu ${versionText(since)}, and this one is ${versionText(criu.version)}`,
  });
}
