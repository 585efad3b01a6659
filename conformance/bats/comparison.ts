import { tableLines } from "../machine/table.ts";
import type { TestResult } from "./tap.ts";

/** One test, as one caller, with every runtime. */
export interface Row {
  readonly caller: string;
  readonly file: string;
  readonly test: string;
  /** In the order of the runtimes; undefined when the file's run ended before this test. */
  readonly results: readonly (TestResult | undefined)[];
}

/**
 * Tests that ask how runc itself is made. This one wants runc's log to say that it runs from a copy of its own executable, sealed by an
 * overlay; the init of runts was never the runtime's executable, so there is nothing to copy or to say.
 */
const ofRuncItself = ["runc run [/proc/self/exe clone]"];

/** Puts the results of one file side by side; every runtime's list may lack tests that another's has. */
export function rowsOf(file: string, runs: readonly (readonly TestResult[])[]): Row[] {
  const rows = new Map<string, Row & { results: (TestResult | undefined)[] }>();
  for (const [index, results] of runs.entries()) {
    for (const result of results) {
      const key = `${result.caller}\n${result.test}`;
      let row = rows.get(key);
      if (row === undefined) {
        row = { caller: result.caller, file, test: result.test, results: runs.map(() => undefined) };
        rows.set(key, row);
      }
      row.results[index] = result;
    }
  }
  return [...rows.values()];
}

/**
 * Without a peer, what does not pass and was not skipped; with one, what it passes and the judged runtime does not. What is asked of runc
 * alone does not count.
 */
export function failuresOf(rows: readonly Row[]): Row[] {
  return rows.filter(({ test, results: [judged, ...peers] }) => {
    if (ofRuncItself.includes(test)) return false;
    if (peers.length === 0) return judged === undefined || judged.outcome === "fail";
    return judged?.outcome !== "pass" && peers.some((peer) => peer?.outcome === "pass");
  });
}

/** For the table: "pass", "fail", "skip: why", or "not run". */
export function verdictOf(result: TestResult | undefined): string {
  if (result === undefined) return "not run";
  return result.outcome === "skip" ? `skip: ${result.reason}` : result.outcome;
}

/** A table of how many passed, failed and were skipped, a row each caller and runtime. */
export function summaryLines(rows: readonly Row[], names: readonly string[]): string[] {
  const callers = [...new Set(rows.map((row) => row.caller))];
  const counts = callers.flatMap((caller) =>
    names.map((name, index) => {
      const results = rows.filter((row) => row.caller === caller).map((row) => row.results[index]);
      const count = (outcome: string | undefined) => results.filter((result) => result?.outcome === outcome).length;
      return [caller, name, `${count("pass")}`, `${count("fail") + count(undefined)}`, `${count("skip")}`];
    }),
  );
  return tableLines(["as", "runtime", "pass", "fail", "skip"], counts);
}

/** A section each caller, a table row each test. A test that all skip for the same reason is one of a list below. */
export function resultLines(rows: readonly Row[], names: readonly string[]): string[] {
  return [...new Set(rows.map((row) => row.caller))].flatMap((caller) => {
    const mine = rows.filter((row) => row.caller === caller);
    const run = mine.filter((row) => !skippedAlike(row));
    const cells = run.map((row) => [row.file, text(row.test), ...row.results.map((result) => text(verdictOf(result)))]);
    const table = tableLines(["file", "test", ...names], cells);
    return [`## As ${caller}`, "", ...table, "", ...skippedLines(mine.filter(skippedAlike))];
  });
}

function skippedAlike({ results }: Row): boolean {
  return results.every((result) => result?.outcome === "skip" && result.reason === results[0]?.reason);
}

function skippedLines(rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const reasons = new Map<string, number>();
  for (const { results } of rows) reasons.set(results[0]!.reason, (reasons.get(results[0]!.reason) ?? 0) + 1);
  const lines = [...reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => [text(reason), `${count}`]);
  return ["Skipped by the tests themselves:", "", ...tableLines(["reason", "tests"], lines), ""];
}

/** A bar would end the cell. */
function text(words: string): string {
  return words.replaceAll("|", "\\|");
}
