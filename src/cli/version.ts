import { specVersion } from "../lifecycle/state.ts";

/** Set by the build (scripts/build.mjs). */
declare const RUNTS_VERSION: string | undefined;
declare const RUNTS_COMMIT: string | undefined;

/** The release of runc whose command line and behaviour this runtime follows. */
export const compatibleRuncVersion = "1.5.1";

/** "unknown" when run from the source tree without a build. */
export const runtsVersion = typeof RUNTS_VERSION === "string" ? RUNTS_VERSION : "unknown";

/** "" when the build knew of none. */
export const runtsCommit = typeof RUNTS_COMMIT === "string" ? RUNTS_COMMIT : "";

/**
 * What `--version` prints.
 *
 * Who reads it: go-runc takes the version from the first line, and only when that begins with `runc version `; dockerd
 * takes name and version from the last line that holds the word "version"; podman shows all of it; runc's tests want the
 * commit second and the specification third. So the first line names the runc that this runtime stands in for, and the fourth
 * says what it is.
 */
export function versionText(): string {
  const commit = runtsCommit === "" ? "" : `commit: ${runtsCommit}\n`;
  return `runc version ${compatibleRuncVersion}\n${commit}spec: ${specVersion}\nrunts version ${runtsVersion}\nbun: ${Bun.version}\n`;
}
