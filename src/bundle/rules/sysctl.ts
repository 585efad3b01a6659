import type { Config, LinuxNamespaceType } from "../config.ts";
import { type ConfigFault, child, fault } from "../config-fault.ts";
import { namespaceOf } from "./namespaces.ts";

/**
 * linux.sysctl: only what belongs to a namespace of the container's own may be set. Whether a joined network namespace is
 * the caller's own is decided when it is opened.
 */
export function checkSysctls(config: Config, into: ConfigFault[]): void {
  const sysctls = config.linux?.sysctl;
  if (sysctls === undefined) return;
  for (const key of Object.keys(sysctls)) {
    const at = child("/linux/sysctl", key);
    const name = dotted(key);
    const refusal = malformed(name) ?? outsideOfNamespaces(config, name);
    if (refusal !== undefined) fault(into, at, refusal, key);
    if (sysctls[key]!.includes("\n")) fault(into, at, `value of sysctl "${name}" contains a newline`, sysctls[key]);
  }
}

/**
 * A key in its dotted form, sysctl.d(5): when the first separator is a slash, slashes separate and dots are literal, and
 * the two are exchanged.
 */
export function dotted(key: string): string {
  const slash = key.indexOf("/");
  const dot = key.indexOf(".");
  if (slash < 0 || (dot >= 0 && dot < slash)) return key;
  return key
    .split("/")
    .map((part) => part.replaceAll(".", "/"))
    .join(".");
}

/** In the dotted form a slash stands for a dot of the file's name: a part of two would climb out of /proc/sys. */
function malformed(name: string): string | undefined {
  for (const part of name.split(".")) {
    if (part === "" || part === "/" || part === "//") return `sysctl "${name}" has an empty, "." or ".." component`;
  }
  return undefined;
}

const ofIpc =
  " kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced ";

function outsideOfNamespaces(config: Config, name: string): string | undefined {
  const has = (type: LinuxNamespaceType) => namespaceOf(config, type) !== undefined;
  if (ofIpc.includes(` ${name} `) || name.startsWith("fs.mqueue.")) {
    return has("ipc") ? undefined : `sysctl "${name}" is not allowed in the hosts ipc namespace`;
  }
  if (name.startsWith("net.")) {
    return has("network") ? undefined : `sysctl "${name}" not allowed in host network namespace`;
  }
  if (name === "kernel.domainname" && has("uts")) return undefined;
  if (name === "kernel.hostname" && has("uts")) {
    return `sysctl "${name}" is not allowed as it conflicts with the OCI "hostname" field`;
  }
  if (name.startsWith("user.")) {
    return has("user") ? undefined : `setting ucounts without a user namespace not allowed: ${name}`;
  }
  return `sysctl "${name}" is not in a separate kernel namespace`;
}
