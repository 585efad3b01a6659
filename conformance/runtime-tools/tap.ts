/** What a program said in the Test Anything Protocol, https://testanything.org. */
export interface TapResult {
  readonly passed: number;
  readonly skipped: number;
  /** The lines of the points that failed. */
  readonly failed: readonly string[];
  /** Errors that were told in a YAML block: some of the programs make no points and write nothing else when they fail. */
  readonly errors: readonly string[];
}

/**
 * Reads points and YAML blocks. A failing point with the directive TODO is not a failure, as the protocol has it.
 *
 * The plan is not compared: a program passes on what runtimetest printed inside the container, which has a plan of its own.
 */
export function parseTap(output: string): TapResult {
  let passed = 0;
  let skipped = 0;
  const failed: string[] = [];
  const errors: string[] = [];
  for (const line of output.split("\n")) {
    const error = /^\s+"error": (.*?),?$/.exec(line);
    if (error !== null) errors.push(error[1]!);
    else if (/^not ok\b/.test(line)) {
      if (!/# TODO/i.test(line)) failed.push(line);
    } else if (/^ok\b/.test(line)) {
      if (/# SKIP/i.test(line)) skipped++;
      else passed++;
    }
  }
  return { passed, skipped, failed, errors };
}
