/** Why a document does not have the schema's types: every error, told in runc's words where there are some. */
import { type ConfigFault, child, fault } from "./config-fault.ts";
import * as generated from "./generated/validate.js";
import { type IntegerType, integerBounds } from "./integer-bounds.ts";
import { nearest } from "./misspelt-fields.ts";
import { renameFields } from "./other-case.ts";
import type { Schema } from "./schema/json-schema.ts";

export type SchemaName = "Config" | "Process" | "LinuxResources";

const validators = {
  Config: generated.validateConfig,
  Process: generated.validateProcess,
  LinuxResources: generated.validateLinuxResources,
};

/** A hostile document can have millions. */
const mostErrors = 1000;

/**
 * Reads `value` as Go's decoder would, which is what callers write for: a member that is null is as if it were absent, and a field
 * is known in whatever case it is written. Then adds a fault for each error that is left.
 *
 * @returns the pointers of what is wrong: none when nulls were all that was.
 */
export function explainSchema(name: SchemaName, value: unknown, into: ConfigFault[]): string[] {
  dropNulls(value);
  const validate = validators[name];
  if (validate(value)) return [];
  renameFields(value, name, require("./generated/config.schema.json") as Schema, into);
  if (validate(value)) return [];
  const seen = new Set<string>();
  const errors = validate.errors ?? [];
  for (const error of errors.slice(0, mostErrors)) {
    const missing = error.keyword === "required" ? String(error.params.missingProperty) : undefined;
    const pointer = missing === undefined ? error.instancePath : child(error.instancePath, missing);
    if (seen.has(pointer)) continue;
    seen.add(pointer);
    const found = at(value, pointer);
    const shown = pointer.includes("/env/") ? undefined : found;
    if (missing !== undefined) fault(into, pointer, missingMessage(name, pointer, missing));
    else if (error.keyword === "enum") enumFault(error.params.allowedValues as string[], value, pointer, found, into);
    else if (error.keyword === "integer") integerFault(error.params, pointer, shown, into);
    else typeFault(String(error.params.type), pointer, shown, into);
  }
  // More than are told: then no part of the document is known to be right.
  if (errors.length > mostErrors) seen.add("");
  return [...seen];
}

function dropNulls(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    if (members[key] === null && !Array.isArray(value)) delete members[key];
    else dropNulls(members[key]);
  }
}

function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split("/").slice(1)) {
    found = (found as Record<string, unknown> | undefined)?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return found;
}

function missingMessage(name: SchemaName, pointer: string, missing: string): string {
  switch (name === "Process" ? `/process${pointer}` : pointer) {
    case "/process":
      return "process property must not be empty";
    case "/process/args":
      return "args must not be empty";
    case "/process/cwd":
      return "Cwd property must not be empty";
    case "/process/scheduler/policy":
      return "scheduler policy is required";
    case "/linux/memoryPolicy/mode":
      return 'invalid memory policy mode ""';
    case "/linux/personality/domain":
      return 'invalid personality domain ""';
    case "/root":
      return "root must be specified";
    default:
      return `"${missing}" is required`;
  }
}

function typeFault(type: string, pointer: string, found: unknown, into: ConfigFault[]): void {
  const article = type === "object" || type === "array" ? "an" : "a";
  if (pointer === "" && found === null) fault(into, pointer, "config cannot be null", undefined, `${article} ${type}`);
  else fault(into, pointer, `not ${article} ${type}`, found, `${article} ${type}`);
}

function integerFault(params: Record<string, unknown>, pointer: string, found: unknown, into: ConfigFault[]): void {
  const type = params.type as IntegerType;
  const [least, most] = integerBounds[type];
  fault(into, pointer, `not an integer of type ${type}`, found, `an integer from ${least} to ${most}`);
}

function enumFault(allowed: string[], document: unknown, pointer: string, found: unknown, into: ConfigFault[]): void {
  const expected = `one of ${allowed.filter((one) => one !== "").join(", ")}`;
  if (typeof found !== "string") {
    fault(into, pointer, "not a string", found, expected);
    return;
  }
  const meant = nearest(found, allowed);
  const asked = meant === undefined ? expected : `${expected}; did you mean ${JSON.stringify(meant)}?`;
  fault(into, pointer, enumMessage(document, pointer, found), found, asked);
}

function enumMessage(document: unknown, pointer: string, found: string): string {
  const [field, parent] = pointer.split("/").reverse() as [string, string];
  const list = /^\d+$/.test(field) ? parent : field;
  if (pointer.includes("/namespaces/")) {
    const path = at(document, pointer.replace(/type$/, "path")) ?? "";
    return `namespace {${JSON.stringify(found)} ${JSON.stringify(path)}} does not exist`;
  }
  if (pointer.includes("/rlimits/")) return `wrong rlimit value: ${found}`;
  if (pointer.includes("/resources/devices/")) return `invalid cgroup device type ${JSON.stringify(found)}`;
  if (pointer.includes("/devices/")) return `invalid device type ${JSON.stringify(found)}`;
  if (pointer.includes("/seccomp/")) {
    if (list === "flags") return `seccomp flag ${found} is not known to runc`;
    const subject = list === "architectures" ? "arch" : list === "op" ? "operator" : "action";
    return `string ${found} is not a valid ${subject} for seccomp`;
  }
  if (list === "rootfsPropagation") return `rootfsPropagation=${found} is not supported`;
  if (list === "domain") return `invalid personality domain ${found}`;
  if (list === "class") return `invalid ioPriority.Class: ${JSON.stringify(found)}`;
  if (pointer.includes("/memoryPolicy/")) {
    return `invalid memory policy ${list === "flags" ? "flag" : "mode"} ${JSON.stringify(found)}`;
  }
  if (pointer.includes("/scheduler/")) return schedulerMessage(list, found);
  return `unknown value ${JSON.stringify(found)}`;
}

function schedulerMessage(list: string, found: string): string {
  if (list === "flags") return `invalid scheduler flag: ${found}`;
  return found === "" ? "scheduler policy is required" : `invalid scheduler policy: ${found}`;
}
