/** Which user namespace this process is in. user_namespaces(7) */
import { readTextIfThere } from "./files.ts";

let first: boolean | undefined;

/**
 * Whether root is the machine's root: the first user namespace maps every id to itself. In any other one, root may lack
 * permissions whatever its capabilities say, as under a rootless engine. A kernel without user namespaces has the first one only.
 */
export function inFirstUserNamespace(): boolean {
  first ??= mapsEverything(readTextIfThere("/proc/self/uid_map"));
  return first;
}

/** A line of proc_pid_uid_map(5) ends with the count of ids; nobody can map all of them but to themselves. */
export function mapsEverything(map: string | undefined): boolean {
  return map === undefined || map.trimEnd().endsWith(" 4294967295");
}
