/** Which user namespace this process is in. user_namespaces(7) */
import { readTextIfThere } from "./files.ts";

/** What was found out about this process. On globalThis, where a snapshot can leave it behind, in whichever part it was found out. */
const known = globalThis as { runtsIsInFirstUserNamespace?: boolean };

/**
 * Whether root is the machine's root: the first user namespace maps every id to itself. In any other one, root may lack
 * permissions whatever its capabilities say, as under a rootless engine. A kernel without user namespaces has the first one only.
 */
export function inFirstUserNamespace(): boolean {
  known.runtsIsInFirstUserNamespace ??= mapsEverything(readTextIfThere("/proc/self/uid_map"));
  return known.runtsIsInFirstUserNamespace;
}

/** To be called before a snapshot is taken: who goes on from it is another process. */
export function forgetUserNamespace(): void {
  known.runtsIsInFirstUserNamespace = undefined;
}

/** A line of proc_pid_uid_map(5) ends with the count of ids; nobody can map all of them but to themselves. */
export function mapsEverything(map: string | undefined): boolean {
  return map === undefined || map.trimEnd().endsWith(" 4294967295");
}
