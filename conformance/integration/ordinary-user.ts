import { readFileSync } from "node:fs";
import type { Config, IdMapping } from "./bundle.ts";

/** The tests can be run by an ordinary user: then that is who the containers belong to, each with a user namespace of its own. */
export const isRoot = process.getuid!() === 0;

/** As /etc/passwd has it. */
export const userName = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();

/** Where the tests' directories are. Both are a tmpfs. */
export const scratchPlace = isRoot ? "/run" : (process.env.XDG_RUNTIME_DIR ?? "/tmp");

/** What the usual config must have beside, to be an ordinary user's: root inside is the user. */
export function belongToUser(config: Config): void {
  config.linux.namespaces.push({ type: "user" });
  config.linux.uidMappings = idsOf("uid", process.getuid!());
  config.linux.gidMappings = idsOf("gid", process.getgid!());
}

/** The user's own id, and those that were granted: subuid(5). */
function idsOf(kind: "uid" | "gid", own: number): IdMapping[] {
  const mappings = [{ containerID: 0, hostID: own, size: 1 }];
  const granted = firstRange(`/etc/sub${kind}`);
  if (granted !== undefined) mappings.push({ containerID: 1, ...granted });
  return mappings;
}

function firstRange(file: string): { hostID: number; size: number } | undefined {
  const names = [userName, `${process.getuid!()}`];
  for (const line of readIfThere(file).split("\n")) {
    const [owner = "", first, count] = line.split(":");
    if (names.includes(owner)) return { hostID: Number(first), size: Number(count) };
  }
  return undefined;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Whether containers have more ids than the user's own. */
export const hasManyIds = isRoot || (idsOf("uid", 0).length > 1 && Bun.which("newuidmap") !== null);
