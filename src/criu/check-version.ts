/** What the installed criu is and can do. */
import { close, O_RDWR, open } from "../../native-bindings/files.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { converse } from "./converse.ts";
import { type CriuFeatures, type CriuRequest, type CriuResponse, RequestType } from "./messages.ts";
import { startSwrk } from "./swrk.ts";

export interface Criu {
  readonly path: string;
  /** 31701 is 3.17.1. */
  readonly version: number;
}

/** Version requests and most of the rest are of criu 3.0. */
const OLDEST = 30000;

/**
 * Asks criu for its version.
 *
 * @throws RuntimeFault when it is too old, or does not answer.
 */
export function askVersion(path: string): Criu {
  const version = answeredVersion(path);
  // A build between two releases, which the Git id tells, counts as the next release. As go-criu does it.
  const next = version.gitid ? 100 : 0;
  const criu = {
    path,
    version: version.major_number * 10_000 + version.minor_number * 100 + (next || (version.sublevel ?? 0)),
  };
  requireVersion(criu, OLDEST, "checkpoint and restore");
  return criu;
}

function answeredVersion(path: string): NonNullable<CriuResponse["version"]> {
  let reason = "no version in the answer";
  try {
    const { version } = ask(path, { type: RequestType.VERSION });
    if (version !== undefined) return version;
  } catch (error) {
    reason = asFault(error, "criu").message;
  }
  throw new RuntimeFault({ what: `CRIU version check failed: ${reason}`, where: path });
}

/** @throws RuntimeFault naming both versions. */
export function requireVersion({ path, version }: Criu, least: number, feature: string): void {
  if (version >= least) return;
  throw new RuntimeFault({
    what: `CRIU version ${version} must be ${least} or higher`,
    where: path,
    hint: `${feature} need criu ${versionText(least)}, and this one is ${versionText(version)}`,
  });
}

export function versionText(version: number): string {
  const parts = [Math.floor(version / 10_000), Math.floor(version / 100) % 100, version % 100];
  return (parts[2] === 0 ? parts.slice(0, 2) : parts).join(".");
}

/** @throws RuntimeFault naming the feature that criu or the kernel does not have. */
export function requireFeature(path: string, feature: keyof CriuFeatures, where: string): void {
  const { features } = ask(path, { type: RequestType.FEATURE_CHECK, features: { [feature]: true } });
  if (features?.[feature] === true) return;
  const name = feature === "mem_track" ? "MemTrack" : "LazyPages";
  throw new RuntimeFault({
    what: `criu is missing features: [${name}]`,
    where,
    hint:
      feature === "mem_track"
        ? "the kernel does not track which memory changes (CONFIG_MEM_SOFT_DIRTY)"
        : "the kernel has no userfaultfd that criu can use",
  });
}

function ask(path: string, request: CriuRequest): CriuResponse {
  const nothing = open("/dev/null", O_RDWR);
  try {
    const swrk = startSwrk({ path, streams: [nothing, nothing, nothing], extra: [], bind: undefined });
    return converse(swrk, request);
  } finally {
    close(nothing);
  }
}
