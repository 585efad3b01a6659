import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The directory of the repository. */
export const repository = join(dirname(new URL(import.meta.url).pathname), "../..");

export interface Runtime {
  /** As it stands in tables. */
  readonly name: string;
  /** An absolute path. */
  readonly path: string;
}

/**
 * The runtime to judge: `given` (a path or a name on PATH), else the variable RUNTIME, else bin/runts.
 *
 * @throws when it is not to be found.
 */
export function runtimeUnderTest(given?: string): Runtime {
  const wanted = given ?? process.env.RUNTIME ?? join(repository, "bin/runts");
  const path = wanted.includes("/") ? resolve(wanted) : Bun.which(wanted);
  if (path === null || !existsSync(path)) throw new Error(`no runtime at ${wanted}: build it with "npm run build"`);
  return { name: path.slice(path.lastIndexOf("/") + 1), path };
}

/** runc and crun, those that are installed, without the one that is being judged. */
export function peersOf(judged: Runtime): Runtime[] {
  const peers: Runtime[] = [];
  for (const name of ["runc", "crun"]) {
    const path = Bun.which(name);
    if (path !== null && path !== judged.path) peers.push({ name, path });
  }
  return peers;
}

/** Its line of `--version`: one that names it, or else the first, where runts says which runc it stands in for. */
export function versionOf(runtime: Runtime): string {
  const lines = Bun.spawnSync([runtime.path, "--version"]).stdout.toString().split("\n");
  return lines.find((line) => line.startsWith(`${runtime.name} version`)) ?? lines[0] ?? "";
}
