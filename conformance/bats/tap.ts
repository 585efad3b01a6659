export type Outcome = "pass" | "fail" | "skip";

/** What became of one test of a .bats file. */
export interface TestResult {
  /** "root", or "rootless" with the features that rootless.sh had enabled: "rootless, idmap and cgroup". */
  readonly caller: string;
  readonly test: string;
  readonly outcome: Outcome;
  /** Why it was skipped, or the lines that bats printed of a failure. */
  readonly reason: string;
}

/**
 * Reads what bats, or rootless.sh around it, printed: the Test Anything Protocol, https://testanything.org, with the name of the
 * test as description, after rootless.sh's line `[02] run rootless tests ... (cgroup)`.
 *
 * A failure before any test (`setup_file`, a syntax error) is a point of its own in bats, and stays one.
 */
export function readTap(output: string): TestResult[] {
  const results: TestResult[] = [];
  let caller = "root";
  for (const line of output.split("\n")) {
    const features = /^\[\d+\] run rootless tests \.\.\. \((.*)\)$/.exec(line);
    if (features !== null) caller = ["rootless", features[1]!.split("+").join(" and ")].filter(Boolean).join(", ");
    const point = /^(not )?ok \d+ (.*)$/.exec(line);
    if (point !== null) results.push(resultOf(caller, point[1] !== undefined, point[2]!));
    else if (line.startsWith("# ") && results.at(-1)?.outcome === "fail") {
      const last = results.pop()!;
      results.push({ ...last, reason: `${last.reason}${line.slice(2)}\n` });
    }
  }
  return results;
}

function resultOf(caller: string, failed: boolean, description: string): TestResult {
  const skip = /^(.*?) # skip ?(.*)$/.exec(description);
  if (skip !== null && !failed) return { caller, test: skip[1]!, outcome: "skip", reason: skip[2]! };
  return { caller, test: description, outcome: failed ? "fail" : "pass", reason: "" };
}
