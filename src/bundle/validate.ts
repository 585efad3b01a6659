import type { Config } from "./config.ts";
import { acceptsConfig } from "./generated/accepts.js";
import { rules } from "./rules/rules.ts";
import { type Validation, validateDocument } from "./validate-document.ts";

/** A config.json: parsed, and held against the schema and every rule. All faults at once; does no input or output. */
export function validateText(text: string): Validation<Config> {
  return validateDocument(text, "Config", acceptsConfig, (config, broken, into) => {
    for (const rule of rules) if (broken.length === 0 || !touches(rule.reads, broken)) rule.check(config, into);
  });
}

/** True when a rule reads something in, or around, a place that has the wrong type. */
function touches(reads: readonly string[], broken: readonly string[]): boolean {
  return reads.some((read) =>
    broken.some((pointer) => `${read}/`.startsWith(`${pointer}/`) || `${pointer}/`.startsWith(`${read}/`)),
  );
}
