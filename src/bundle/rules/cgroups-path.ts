import { type ConfigFault, fault } from "../config-fault.ts";
import { checkLength } from "./path-length.ts";
import { lexicalPath } from "./paths.ts";

/**
 * A path that comes out at the hierarchy's root, or at the caller's own cgroup, is refused: what ends a container kills
 * everything in its cgroup.
 */
export function checkCgroupsPath(path: string | undefined, into: ConfigFault[]): void {
  if (!path) return;
  const at = "/linux/cgroupsPath";
  checkLength(path, at, into);
  if (path.includes("\n")) fault(into, at, "cgroupsPath contains a newline", path);
  if (lexicalPath(path) === "/") fault(into, at, "cgroupsPath resolves to the root of the hierarchy", path);
}
