/**
 * The mount points of a container that is restored: made in its root file system, as create makes them, because criu mounts on
 * what is there. In a fresh copy of an image none may be.
 */
import { EEXIST, ENOENT } from "../../native-bindings/errno.ts";
import {
  close,
  fstat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  open,
  S_IFDIR,
  tryOpenAt,
} from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { openInRoot } from "../../native-bindings/open-in-root.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { insideRoot, isBindMount, sourceOf } from "./external-mounts.ts";

/** A mount of the config: where, and which directory of the host is what is seen there, if one is. */
interface Covered {
  readonly destination: string;
  readonly source: string | undefined;
}

/**
 * Makes what is missing. A mount point inside a bind mount is made in its source, one inside another mount is left to criu,
 * which restores what is in that.
 *
 * @throws RuntimeFault
 */
export function makeMountPoints(config: Config, rootfs: string, bundleDirectory: string): void {
  const before: Covered[] = [];
  const mounts = config.mounts ?? [];
  for (let index = 0; index < mounts.length; index++) {
    const mount = mounts[index]!;
    const destination = insideRoot(mount.destination, rootfs);
    const bind = isBindMount(mount);
    const source = bind ? sourceOf(mount, bundleDirectory) : undefined;
    const cover = before.findLast((other) => isBelow(destination, other.destination));
    // On version 1 they are in a tmpfs, which is restored; on cgroup2 in sysfs.
    if (mount.type !== "cgroup" || bind) {
      const base = cover === undefined ? rootfs : cover.source;
      const path = cover === undefined ? destination.slice(1) : destination.slice(cover.destination.length + 1);
      if (base !== undefined) makeMountPoint(base, path, source !== undefined && isFile(source), `/mounts/${index}`);
    }
    before.push({ destination, source });
  }
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}/`);
}

function isFile(path: string): boolean {
  const fd = open(path, O_PATH);
  try {
    return fstat(fd).type !== S_IFDIR;
  } finally {
    close(fd);
  }
}

function makeMountPoint(base: string, path: string, file: boolean, from: string): void {
  const root = open(base, O_PATH | O_DIRECTORY);
  try {
    const found = lookUp(root, path);
    if (found >= 0) close(found);
    else if (found === -ENOENT) makeMissing(root, path, file);
    else throw found;
  } catch (error) {
    if (typeof error !== "number") throw error;
    throw new RuntimeFault({
      what: `create criu restore mountpoint for ${JSON.stringify(`/${path}`)} in ${base}`,
      where: `${from}/destination`,
      errno: -error,
    });
  } finally {
    close(root);
  }
}

/** Inside the root, whatever symbolic links say. Returns a descriptor or a negative errno. */
function lookUp(root: number, path: string): number {
  return openInRoot(root, path || ".", O_PATH);
}

/** mkdir -p, each name in the directory that the names before it lead to. @throws a negative errno. */
function makeMissing(root: number, path: string, file: boolean): void {
  const names = path.split("/");
  for (let depth = 0; depth < names.length; depth++) {
    const parent = lookUp(root, names.slice(0, depth).join("/"));
    if (parent < 0) throw parent;
    const isLast = depth === names.length - 1;
    const result = file && isLast ? makeFile(parent, names[depth]!) : makeDirectory(parent, names[depth]!);
    close(parent);
    if (result < 0 && result !== -EEXIST) throw result;
  }
}

function makeDirectory(parent: number, name: string): number {
  return syscall(SYS.mkdirat, parent, cstring(name), 0o755);
}

function makeFile(parent: number, name: string): number {
  const fd = tryOpenAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  if (fd >= 0) close(fd);
  return fd;
}
