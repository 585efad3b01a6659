import type { Config } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";
import { checkLength } from "./path-length.ts";

/** A path without "", "." and ".." components, clamped at "/", as it would be looked up below a root without links. */
export function lexicalPath(path: string): string {
  if (path[0] === "/" && !path.includes("/.") && !path.includes("//") && !path.endsWith("/")) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** root.path, and config-linux.md "Masked Paths", "Readonly Paths": absolute paths in the container. */
export function checkPaths(config: Config, into: ConfigFault[]): void {
  if (config.root.path === "") fault(into, "/root/path", "invalid rootfs: root.path must not be empty");
  checkLength(config.root.path, "/root/path", into);
  checkAbsolute(config.linux?.maskedPaths, "/linux/maskedPaths", into);
  checkAbsolute(config.linux?.readonlyPaths, "/linux/readonlyPaths", into);
}

function checkAbsolute(paths: readonly string[] | undefined, at: string, into: ConfigFault[]): void {
  if (paths === undefined) return;
  for (let i = 0; i < paths.length; i++) {
    const path = paths[i]!;
    checkLength(path, `${at}/${i}`, into);
    if (path[0] !== "/") fault(into, `${at}/${i}`, "path is not absolute", path, "an absolute path in the container");
    else if (lexicalPath(path) === "/") fault(into, `${at}/${i}`, "path is the container's root", path);
  }
}
