/**
 * Goes over a finished program before it is run: an image is untyped data, and a wrong word in it is a wrong system call made
 * by root. Pure; for tests, `explain`, and debug mode. See docs/architecture.md.
 */
import type { ProgramBuilder } from "./builder.ts";
import { addressFaults } from "./check-addresses.ts";
import { descriptorFaults } from "./check-descriptors.ts";
import { filterFaults } from "./check-filter.ts";
import { targetFaults } from "./check-targets.ts";
import { valueFaults } from "./check-values.ts";
import { operationsOf } from "./operation.ts";

/** What is wrong with a program, and which operation it is about. */
export interface ProgramFault {
  /** Index of the operation. */
  readonly operation: number;
  readonly what: string;
}

/**
 * Every fault of a program, by operation; none for one that may be run.
 *
 * - Labels have places; targets are operations; each operation can be reached; no path runs off the end.
 * - Saved values are written before they are read, on every path, and an error is not used as a descriptor.
 * - Addresses lie in a segment, with all that the kernel reads or writes there.
 * - Descriptors are close-on-exec or closed before each execve.
 * - After a seccomp filter, no operation is forbidden by it.
 *
 * @param forbidden whether the program's seccomp filter refuses a system call. Default: it has none that refuses any.
 */
export function checkProgram(
  program: ProgramBuilder,
  forbidden: (nr: number) => boolean = () => false,
): ProgramFault[] {
  const unplaced = program.unplaced();
  if (unplaced.length > 0)
    return unplaced.map((operation) => ({ operation, what: "leads to a label without a place" }));
  const operations = operationsOf(program);
  const faults = targetFaults(operations, program);
  // What follows the ways through the program needs ways that exist.
  if (faults.length > 0) return faults;
  faults.push(
    ...addressFaults(operations, program),
    ...valueFaults(operations, program),
    ...descriptorFaults(operations, program),
    ...filterFaults(operations, program, forbidden),
  );
  return faults.sort((a, b) => a.operation - b.operation);
}
