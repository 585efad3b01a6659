import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Images that nobody has used for a week are removed. */
const keptForMs = 7 * 24 * 3600 * 1000;

/** Where images are kept from run to run: $XDG_CACHE_HOME/runts-vm or /var/cache/runts-vm. */
export function cacheDirectory(): string {
  const directory = join(process.env.XDG_CACHE_HOME || "/var/cache", "runts-vm");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** A directory for this process alone, which it removes. Should it be killed, the next run does. */
export function scratchDirectory(): string {
  return mkdtempSync(join(cacheDirectory(), `of-${process.pid}-`));
}

/** Removes what nobody will use any more. */
export function tidyCache(): void {
  const cache = cacheDirectory();
  for (const name of readdirSync(cache)) {
    const directory = join(cache, name);
    const owner = /^of-(\d+)-/.exec(name)?.[1];
    const age = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    const unused = owner === undefined ? age > keptForMs : !existsSync(`/proc/${owner}`);
    if (unused) rmSync(directory, { recursive: true, force: true });
  }
}
