import type { Measurements } from "./main.ts";

export interface Target {
  readonly what: string;
  /** The measured value; undefined when a peer is missing. */
  readonly value: number | undefined;
  readonly limit: number;
  readonly unit: string;
}

const MB = 1_000_000;

/** What the project promises, with what was measured. */
export function targets(measured: Measurements, judged: string): Target[] {
  const ratio = (action: string, peer: string) => {
    const own = measured.get(action)?.get(judged);
    const other = measured.get(action)?.get(peer);
    return own === undefined || other === undefined ? undefined : own / other;
  };
  const own = (action: string) => measured.get(action)?.get(judged);
  const peak = own("peak memory of run");
  const limit = own("smallest memory limit");
  return [
    { what: "run, of runc's time", value: ratio("run", "runc"), limit: 0.55, unit: "" },
    { what: "run, of crun's time", value: ratio("run", "crun"), limit: 1.4, unit: "" },
    { what: "exec, of runc's time", value: ratio("exec", "runc"), limit: 0.6, unit: "" },
    { what: "state, of crun's time", value: ratio("state", "crun"), limit: 1.5, unit: "" },
    { what: "peak memory of run", value: peak && peak / MB, limit: 36, unit: " MB" },
    { what: "smallest memory limit", value: limit && limit / 1024, limit: 512, unit: " KiB" },
  ];
}

/** Met, missed, or not measured: one line. */
export function targetLine(target: Target): string {
  const goal = `${target.what} ≤ ${target.limit}${target.unit}`;
  if (target.value === undefined) return `not measured: ${goal}`;
  return `${isMissed(target) ? "MISSED" : "met"}: ${goal} (${target.value.toFixed(2)}${target.unit})`;
}

export function isMissed(target: Target): boolean {
  return target.value !== undefined && target.value > target.limit;
}
