import { RuntimeFault } from "../report/fault.ts";

/**
 * A destination as a path below the container's root: absolute or not, with or without the root's own path before it; `..` does
 * not lead out. Lexical: symbolic links are followed when the mount is made.
 *
 * @returns without a slash at either end; "" for the root itself.
 */
export function relativeDestination(destination: string, rootfs: string): string {
  let path = destination;
  if (rootfs !== "/" && path.startsWith(rootfs) && path.charCodeAt(rootfs.length) === 0x2f) {
    path = path.slice(rootfs.length);
  }
  const clean =
    path.charCodeAt(0) === 0x2f &&
    !path.includes("//") &&
    !path.includes("/.") &&
    !(path.length > 1 && path.endsWith("/"));
  if (clean) return path.slice(1);
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** The files of /proc that may be covered: what lxcfs fakes, and what is empty otherwise. The list is runc's. */
export function mayCoverInProc(path: string): boolean {
  switch (path) {
    case "proc/cpuinfo":
    case "proc/diskstats":
    case "proc/meminfo":
    case "proc/stat":
    case "proc/swaps":
    case "proc/uptime":
    case "proc/loadavg":
    case "proc/slabinfo":
    case "proc/sys/kernel/ns_last_pid":
    case "proc/sys/crypto/fips_enabled":
      return true;
    default:
      return false;
  }
}

/**
 * Nothing but procfs covers /proc, and nothing is mounted inside it: whatever reads or writes /proc afterwards must meet the
 * kernel's own files (CVE-2019-16884, CVE-2025-52881).
 *
 * @param procfs what is mounted is a procfs.
 * @throws RuntimeFault in runc's words.
 */
export function checkProcRules(path: string, destination: string, procfs: boolean, from: string): void {
  if (path === "proc") {
    if (procfs) return;
    throw new RuntimeFault({
      what: `${JSON.stringify(destination)} cannot be mounted because it is not of type proc`,
      where: from,
    });
  }
  if (!path.startsWith("proc/") || mayCoverInProc(path)) return;
  throw new RuntimeFault({
    what: `${JSON.stringify(destination)} cannot be mounted because it is inside /proc`,
    where: from,
  });
}
