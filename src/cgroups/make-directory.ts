import { EEXIST, ENOENT } from "../../native-bindings/errno.ts";
import { tryMkdir, tryRmdir } from "../../native-bindings/files.ts";

/** Another container's deletion may take a parent away between our two calls; thrice in a row is no accident. */
const TRIES = 3;

/**
 * A cgroup, and the parents that it lacks.
 *
 * @param made gets every directory that was not there, outermost first.
 * @returns 0 when it was made, -EEXIST when it was there, else the negative errno of mkdir(2).
 */
export function tryMakeCgroup(path: string, made: string[]): number {
  let result = -ENOENT;
  for (let attempt = 0; attempt < TRIES && result === -ENOENT; attempt++) {
    result = tryMkdir(path, 0o755);
    if (result === 0) made.push(path);
    if (result !== -ENOENT) return result;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent === "") return result;
    const above = tryMakeCgroup(parent, made);
    if (above < 0 && above !== -EEXIST) return above;
    result = tryMkdir(path, 0o755);
    if (result === 0) made.push(path);
  }
  return result;
}

/** Takes back what {@link tryMakeCgroup} made, innermost first. What others put to use meanwhile stays. */
export function unmakeCgroups(made: readonly string[]): void {
  for (let index = made.length - 1; index >= 0; index--) tryRmdir(made[index]!);
}
