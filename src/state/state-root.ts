/** Where the state of containers is kept, and which names a container may have. */

import { callersVariable } from "../../native-bindings/caller-words.ts";
import { EEXIST, ENAMETOOLONG } from "../../native-bindings/errno.ts";
import { AT_FDCWD, mkdirs, tryMkdir } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { requireWorkingDirectory } from "../report/working-directory.ts";

const systemRoot = "/run/runc";

export interface StateRoot {
  /** Absolute. */
  readonly path: string;
  /** False when `--root` was given. */
  readonly isDefault: boolean;
}

/**
 * The state root: `--root`, else `$XDG_RUNTIME_DIR/runc` for a user who is not the host's root, else `/run/runc`.
 *
 * The default is runc's, because tools look there. An empty value counts as none (callers pass `--root=`).
 *
 * @throws RuntimeFault when the root is `/`.
 */
export function stateRoot(given: string | undefined): StateRoot {
  if (!given) {
    const runtimeDirectory = callersVariable("XDG_RUNTIME_DIR");
    const path = runtimeDirectory && !isHostRoot() ? `${runtimeDirectory}/runc` : systemRoot;
    return { path, isDefault: true };
  }
  const path = absolutePath(given);
  if (path === "/") throw new RuntimeFault({ what: "Option --root argument should not be set to /", where: "--root" });
  return { path, isDefault: false };
}

/** Root in the initial user namespace, or root by name in another one (as in a container whose `su` sets $USER). */
function isHostRoot(): boolean {
  if (syscall(SYS.geteuid) !== 0) return false;
  return callersVariable("USER") === "root" || inFirstUserNamespace();
}

/**
 * `path` against the working directory, without `.`, `..` and doubled slashes; symbolic links are not looked at.
 *
 * @throws RuntimeFault when it is relative and the working directory was deleted.
 */
export function absolutePath(path: string): string {
  const full = `${requireWorkingDirectory(path)}/${path}`;
  const parts: string[] = [];
  for (const part of full.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** NAME_MAX: the id names a directory. */
const MAX_ID_BYTES = 255;

/**
 * Refuses what is no container id. The id becomes part of paths that root removes: this check stands before every use.
 *
 * @throws RuntimeFault in runc's words.
 */
export function validateId(id: string): void {
  if (id === "") throw new RuntimeFault({ what: "container id cannot be empty" });
  for (let i = 0; i < id.length; i++) {
    if (!isIdCharacter(id.charCodeAt(i))) throw invalidId(id);
  }
  if (id === "." || id === "..") throw invalidId(id);
  if (id.length > MAX_ID_BYTES) {
    throw new RuntimeFault({
      what: "invalid container ID format",
      value: id,
      errno: ENAMETOOLONG,
      hint: `an id has at most ${MAX_ID_BYTES} bytes (NAME_MAX)`,
    });
  }
}

function isIdCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x2d && code <= 0x39 && code !== 0x2f) || // - . 0-9
    code === 0x5f || // _
    code === 0x2b // +
  );
}

function invalidId(id: string): RuntimeFault {
  return new RuntimeFault({
    what: "invalid container ID format",
    value: id,
    hint: "letters, digits, and _ + - . are allowed",
  });
}

/**
 * Makes the directory that holds one container's state. That it did not exist is the lock: of several creates of one id
 * exactly one succeeds.
 *
 * @param root the state root; made with its parents (0700) when missing.
 * @returns the directory's path.
 * @throws RuntimeFault "container with given ID already exists", or the errno of mkdir(2) with the flag `--root`.
 */
export function makeContainerDirectory(root: string, id: string): string {
  validateId(id);
  const path = `${root}/${id}`;
  let result = tryMkdir(path, 0o711);
  if (result < 0 && result !== -EEXIST) {
    makeRoot(root);
    result = tryMkdir(path, 0o711);
  }
  if (result === -EEXIST) throw new RuntimeFault({ what: "container with given ID already exists", value: id });
  if (result < 0) throw new RuntimeFault({ what: `mkdir ${path}`, where: "--root", errno: -result });
  return path;
}

function makeRoot(root: string): void {
  try {
    mkdirs(root, 0o700);
  } catch (error) {
    throw asFault(error, `mkdir ${root}`, "--root");
  }
  if (root !== systemRoot && root === stateRoot(undefined).path) {
    // The sticky bit keeps cleaners of temporary directories away (XDG base directory specification).
    syscall(SYS.fchmodat, AT_FDCWD, cstring(root), 0o1700);
  }
}
