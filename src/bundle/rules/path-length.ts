import { type ConfigFault, fault } from "../config-fault.ts";
import { exceedsBytes } from "./byte-length.ts";

/** PATH_MAX without the NUL, limits.h. No system call takes more. */
const MOST_BYTES = 4095;

/** Refuses a path that no system call takes, before anything goes over its thousands of components. */
export function checkLength(path: string | undefined, at: string, into: ConfigFault[]): void {
  if (path === undefined || !exceedsBytes(path, MOST_BYTES)) return;
  fault(into, at, "path is too long", path, `at most ${MOST_BYTES} bytes`);
}
