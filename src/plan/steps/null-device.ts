import { load, type ProgramBuilder } from "../../program/builder.ts";
import { sharedSpace } from "../shared-values.ts";
import type { Compilation } from "../step.ts";

// struct statx, statx(2)
const STATX_BYTES = 256;
const STATX_BASIC_STATS = 0x7ff;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

/**
 * Looks whether a file has the numbers of /dev/null, 1:3. Only devices have other numbers than 0:0.
 *
 * @param otherwise emits what happens when it has not, which does not go on to what comes next.
 * @see Documentation/admin-guide/devices.txt
 */
export function emitUnlessNull(
  c: Compilation,
  directory: Parameters<ProgramBuilder["call"]>[1],
  path: number,
  flags: number,
  otherwise: () => void,
): void {
  const { p } = c;
  const status = sharedSpace(c, "statx", STATX_BYTES);
  p.call(p.nr.statx, directory, path, flags, STATX_BASIC_STATS, status);
  for (const [offset, number] of [
    [STX_RDEV_MAJOR, 1],
    [STX_RDEV_MINOR, 3],
  ] as const) {
    const same = p.label();
    p.xor(load(status + offset), number)
      .onZero(same)
      .ignoreError();
    otherwise();
    p.place(same);
  }
}
