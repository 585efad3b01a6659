/** What can be known of joined namespaces only once they are open. */
import { close, fstat, O_RDONLY, open, readText } from "../../native-bindings/files.ts";
import type { Config, LinuxIDMapping } from "../bundle/config.ts";
import { dotted } from "../bundle/rules/sysctl.ts";
import { RuntimeFault } from "../report/fault.ts";
import { withUserNamespace } from "./user-namespace-process.ts";

/**
 * @param directory where the container's state is.
 * @throws RuntimeFault for a network sysctl that would be the caller's own, and for mappings that are not the joined user
 * namespace's.
 */
export function checkJoined(linux: NonNullable<Config["linux"]>, directory: string, given: Map<string, number>): void {
  const network = given.get("ns:network");
  if (network !== undefined && linux.sysctl !== undefined) checkNetwork(linux.sysctl, network);
  const user = given.get("ns:user");
  const mapped = (linux.uidMappings?.length ?? 0) + (linux.gidMappings?.length ?? 0) > 0;
  if (user !== undefined && mapped) checkMappings(linux, user, directory);
}

function checkNetwork(sysctl: Readonly<Record<string, string>>, network: number): void {
  const own = open("/proc/self/ns/net", O_RDONLY);
  const same = fstat(own).inode === fstat(network).inode;
  close(own);
  if (!same) return;
  for (const key of Object.keys(sysctl)) {
    const name = dotted(key);
    if (!name.startsWith("net.")) continue;
    throw new RuntimeFault({
      what: `sysctl "${name}" not allowed in host network namespace`,
      where: `/linux/sysctl/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      value: sysctl[key],
      hint: "the network namespace to join is the caller's own",
    });
  }
}

function checkMappings(linux: NonNullable<Config["linux"]>, user: number, directory: string): void {
  const actual = withUserNamespace(user, directory, (pid) => ({
    uid: readText(`/proc/${pid}/uid_map`),
    gid: readText(`/proc/${pid}/gid_map`),
  }));
  for (const kind of ["uid", "gid"] as const) {
    const wanted = (linux[`${kind}Mappings`] ?? []).map(line);
    const there = actual?.[kind].trim().split("\n").map(words);
    if (there !== undefined && there.sort().join() === wanted.sort().join()) continue;
    throw new RuntimeFault({
      what: "user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one",
      where: `/linux/${kind}Mappings`,
      value: wanted.join(", "),
      hint: there === undefined ? "the user namespace can't be joined" : `the namespace has ${there.join(", ")}`,
    });
  }
}

function line({ containerID, hostID, size }: LinuxIDMapping): string {
  return `${containerID} ${hostID} ${size}`;
}

/** One line of proc_pid_uid_map(5), which is padded. */
function words(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
