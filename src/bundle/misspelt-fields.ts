/** Fields that the schema does not know and that look like ones that it does. Not on the hot path. */
import { type ConfigFault, child, warning } from "./config-fault.ts";
import type { Schema } from "./schema/json-schema.ts";
import { resolverOf } from "./schema/look-up.ts";

/** Unknown fields are allowed (config.md "Extensibility") and ignored: a typo is only seen when someone compares. */
export function findMisspeltFields(value: unknown, root: Schema, into: ConfigFault[]): void {
  const resolve = resolverOf(root);
  const walk = (inner: unknown, written: Schema, pointer: string): void => {
    const schema = resolve(written);
    if (typeof inner !== "object" || inner === null) return;
    for (const [key, member] of Object.entries(inner)) {
      const at = child(pointer, key);
      const known = schema.items ?? schema.properties?.[key] ?? schema.additionalProperties;
      if (known !== undefined) walk(member, known, at);
      else if (schema.properties !== undefined) warnOfTypo(key, Object.keys(schema.properties), at, into);
    }
  };
  walk(value, root, "");
}

function warnOfTypo(key: string, known: readonly string[], at: string, into: ConfigFault[]): void {
  const lower = key.toLowerCase();
  const sameButCase = known.find((name) => name.toLowerCase() === lower);
  if (sameButCase !== undefined) {
    warning(into, at, `unknown field "${key}" is ignored: case matters, did you mean "${sameButCase}"?`);
    return;
  }
  const near = known.find((name) => isNear(lower, name.toLowerCase()));
  if (near !== undefined) warning(into, at, `unknown field "${key}" is ignored: did you mean "${near}"?`);
}

/** The word that was probably meant: misspelt, in another case, or without the prefix that all of them have (SCMP_ACT_). */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const lower = written.toLowerCase();
  if (lower === "" || lower.length > LONGEST_WORD) return undefined;
  return (
    known.find((word) => word.toLowerCase() === lower) ??
    known.find((word) => word.toLowerCase().endsWith(`_${lower}`)) ??
    known.find((word) => isNear(lower, word.toLowerCase()))
  );
}

/** Nobody misspells by more, and comparing takes time that a hostile document must not decide on. */
const LONGEST_WORD = 64;

/** At most two slips apart, and at most one in three letters. */
function isNear(a: string, b: string): boolean {
  const most = Math.min(2, Math.floor(b.length / 3));
  return Math.abs(a.length - b.length) <= most && slips(a, b) <= most;
}

/** The optimal string alignment distance: letters inserted, left out, replaced, or swapped with their neighbour. */
export function slips(a: string, b: string): number {
  const rows: number[][] = [];
  for (let i = 0; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      if (i === 0) {
        row.push(k);
        continue;
      }
      const same = a[i - 1] === b[k - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![k]! + 1, row[k - 1]! + 1, rows[i - 1]![k - 1]! + same);
      const swapped = i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1];
      if (swapped) least = Math.min(least, rows[i - 2]![k - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
