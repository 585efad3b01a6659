import type { Config, LinuxResources, Process } from "./config.ts";
import type { ConfigFault } from "./config-fault.ts";
import type { SchemaName } from "./explain-schema.ts";
import { acceptsConfig, acceptsLinuxResources, acceptsProcess } from "./generated/accepts.js";
import { parseJson } from "./parse-json.ts";
import { checkResources } from "./rules/resources.ts";
import { checkWholeProcess, rules } from "./rules/rules.ts";

/** What came of a document: its value when there are no faults, and everything that was found. */
export interface Validation<Value> {
  readonly value?: Value;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/** A config.json: parsed, and held against the schema and every rule. All faults at once; does no input or output. */
export function validateText(text: string): Validation<Config> {
  return validate(text, "Config", acceptsConfig, (config, broken, into) => {
    for (const rule of rules) if (broken.length === 0 || !touches(rule.reads, broken)) rule.check(config, into);
  });
}

/** The document of `exec --process`: one process. */
export function validateProcessText(text: string): Validation<Process> {
  return validate(text, "Process", acceptsProcess, (process, broken, into) => {
    if (broken.length === 0) checkWholeProcess(process, "", into);
  });
}

/** The document of `update --resources`. */
export function validateResourcesText(text: string): Validation<LinuxResources> {
  return validate(text, "LinuxResources", acceptsLinuxResources, (resources, broken, into) => {
    if (broken.length === 0) checkResources(resources, "", into);
  });
}

function validate<Value>(
  text: string,
  name: SchemaName,
  accepts: (value: unknown) => value is Value,
  check: (value: Value, broken: readonly string[], into: ConfigFault[]) => void,
): Validation<Value> {
  const found: ConfigFault[] = [];
  const value = parseJson(text, found);
  if (value !== undefined) {
    let broken: string[] = [];
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

/** True when a rule reads something in, or around, a place that has the wrong type. */
function touches(reads: readonly string[], broken: readonly string[]): boolean {
  return reads.some((read) =>
    broken.some((pointer) => `${read}/`.startsWith(`${pointer}/`) || `${pointer}/`.startsWith(`${read}/`)),
  );
}
