import type { ConfigFault } from "./config-fault.ts";
import type { SchemaName } from "./explain-schema.ts";
import { parseJson } from "./parse-json.ts";

/** What came of a document: its value when there are no faults, and everything that was found. */
export interface Validation<Value> {
  readonly value?: Value;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/**
 * A document's text: parsed, and held against its schema and its rules. All faults at once; does no input or output.
 *
 * @param check the rules; they are told which places have the wrong type.
 * @param prepare what is done to the parsed value first.
 */
export function validateDocument<Value>(
  text: string,
  name: SchemaName,
  accepts: (value: unknown) => value is Value,
  check: (value: Value, broken: readonly string[], into: ConfigFault[]) => void,
  prepare?: (value: unknown, into: ConfigFault[]) => void,
): Validation<Value> {
  const found: ConfigFault[] = [];
  const value = parseJson(text, found);
  if (value !== undefined) {
    let broken: string[] = [];
    prepare?.(value, found);
    if (!accepts(value)) {
      const { explainSchema } = require("./explain-schema.ts") as typeof import("./explain-schema.ts");
      broken = explainSchema(name, value, found);
    }
    check(value as Value, broken, found);
  }
  if (found.length === 0) return { value: value as Value, faults: found, warnings: found };
  const faults = found.filter((one) => one.severity === "fault");
  const warnings = found.filter((one) => one.severity === "warning");
  return { value: faults.length === 0 ? (value as Value) : undefined, faults, warnings };
}
