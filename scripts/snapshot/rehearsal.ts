/** What the executable carries out before its snapshot is taken: a container's life, and more than one, as its callers make them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How often: the engine learns where a property is found when it has found it there once, and again when that was elsewhere. */
const TIMES = 3;

/**
 * Prepares a bundle whose programs are this machine's own, and the command lines.
 *
 * @param executable that writes the bundle's config.
 * @param directory an empty one.
 * @returns the path of a file of command lines.
 */
export function prepareRehearsal(executable: string, directory: string): string {
  const rootfs = join(directory, "rootfs");
  for (const name of ["usr", "bin", "lib", "lib64", "proc", "sys", "dev"])
    mkdirSync(join(rootfs, name), { recursive: true });
  const rootless = process.getuid?.() === 0 ? [] : ["--rootless"];
  execFileSync(executable, ["spec", "--bundle", directory, ...rootless], { env: {} });
  const path = join(directory, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  config.process.args = ["/bin/sleep", "60"];
  for (const name of ["usr", "bin", "lib", "lib64"]) {
    config.mounts.push({ destination: `/${name}`, type: "none", source: `/${name}`, options: ["rbind", "ro"] });
  }
  writeFileSync(path, JSON.stringify(config));
  mkdirSync(join(directory, "short"));
  config.process.args = ["/bin/true"];
  config.root.path = rootfs;
  writeFileSync(join(directory, "short/config.json"), JSON.stringify(config));
  const commandLines = join(directory, "command-lines.json");
  writeFileSync(commandLines, JSON.stringify(linesOf(directory)));
  return commandLines;
}

/** Takes away what a rehearsal has left behind that did not come to its end. */
export function endRehearsal(executable: string, directory: string): void {
  Bun.spawnSync([executable, ...options(directory), "delete", "--force", id]);
}

const id = `rehearsal-${process.pid}`;

function options(directory: string): string[] {
  return ["--root", join(directory, "state"), "--log", join(directory, "log"), "--log-format", "json"];
}

function linesOf(directory: string): string[][] {
  const missing = "none";
  const once = [
    ["run", "--bundle", join(directory, "short"), id],
    ["create", "--bundle", directory, "--pid-file", join(directory, "pid"), id],
    ["state", id],
    ["start", id],
    ["state", id],
    ["exec", "--pid-file", join(directory, "pid"), id, "/bin/true"],
    ["kill", id, "KILL"],
    ["delete", "--force", id],
    ["state", missing],
    ["delete", "--force", missing],
  ];
  return Array.from({ length: TIMES }, () => once.map((line) => [...options(directory), ...line])).flat();
}
