/**
 * The first program in the namespaces: covers what engines write outside of their own directories, then does the checks of one
 * caller, each a line of JSON on stdout. When it ends, everything in its pid namespace does.
 */
import { existsSync, mkdirSync } from "node:fs";
import { callers } from "./callers.ts";
import { answer } from "./command.ts";
import type { Place } from "./place.ts";

/** Directories that engines write to whatever their configuration says. */
const covered = [
  "/run",
  "/dev/shm",
  "/etc/docker",
  "/etc/cni",
  "/var/lib/cni",
  "/etc/containerd",
  "/var/lib/containers",
];

const place: Place = JSON.parse(process.argv[2]!);
for (const directory of covered) {
  if (!existsSync(directory)) continue;
  await answer(["mount", "-t", "tmpfs", "-o", `mode=${directory === "/dev/shm" ? 1777 : 755}`, "tmpfs", directory]);
}
mkdirSync("/run/lock", { mode: 0o1777 });
await answer(["ip", "link", "set", "lo", "up"]);
process.chdir(place.scratch);
const caller = callers[place.caller]!;
await (place.load > 0 ? caller.load!(place) : caller.checks(place));
process.exit(0);
