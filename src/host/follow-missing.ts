import { readLink, tryLstat } from "../../native-bindings/files.ts";

/** As the kernel limits it: path_resolution(7). */
const MAX_LINKS = 40;

/**
 * What a path below a root would name if everything existed: symbolic links are followed as far as there are any, absolute ones
 * from the root, and `..` does not lead out of it.
 *
 * @returns relative to the root, without links; undefined when no link is in the way, or too many are.
 */
export function followMissing(rootfs: string, path: string): string | undefined {
  const todo = path.split("/").reverse();
  const done: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const part = todo.pop()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const here = `${rootfs}/${[...done, part].join("/")}`;
    const target = typeof tryLstat(here) === "number" ? undefined : readLink(here);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    if (target.startsWith("/")) done.length = 0;
    for (const piece of target.split("/").reverse()) todo.push(piece);
  }
  return links === 0 ? undefined : done.join("/");
}
