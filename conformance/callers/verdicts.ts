import type { CheckResult } from "./check.ts";

/** Check → runtime's name → result, in the order in which the checks were made. */
export type Results = Map<string, Map<string, CheckResult>>;

/** "ok", "FAIL", or "machine" for what fails because of the machine; "-" when it was not reached. */
export function verdict(result: CheckResult | undefined): string {
  if (result === undefined) return "-";
  if (result.ok) return "ok";
  return result.machine === "" ? "FAIL" : "machine";
}

/** One line a check: a verdict for each runtime, in the order of `runtimes`, and the check's name. */
export function lineOf(name: string, row: ReadonlyMap<string, CheckResult>, runtimes: readonly string[]): string {
  const verdicts = runtimes.map((runtime) => verdict(row.get(runtime)).padEnd(7));
  const reasons = [
    ...new Set([...row.values()].filter((each) => !each.ok && each.machine !== "").map((each) => each.machine)),
  ];
  return `  ${verdicts.join(" | ")}  ${name}${reasons.length > 0 ? `  (${reasons.join("; ")})` : ""}`;
}

/**
 * The checks that count against a runtime: what a peer passes and it does not. Without peers, everything that it does not pass
 * and could on this machine. A check that it was never asked, because it went down before, is one that it does not pass.
 */
export function behind(results: Results, judged: string, peers: readonly string[]): string[] {
  return [...results].flatMap(([name, row]) => {
    const own = verdict(row.get(judged));
    if (own === "ok") return [];
    const expected = peers.length === 0 ? own !== "machine" : peers.some((peer) => verdict(row.get(peer)) === "ok");
    return expected ? [name] : [];
  });
}
