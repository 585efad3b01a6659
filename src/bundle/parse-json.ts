import { type ConfigFault, fault } from "./config-fault.ts";

/** Levels of nesting that a document may have; a config.json has nine. */
export const mostLevels = 1000;

/**
 * Strict JSON, RFC 8259, with exact integers: a number where it is a safe integer, a bigint beyond 2^53. Of duplicate keys
 * the last wins, as in Go; `__proto__` is a key like any other.
 *
 * @returns undefined when the text is not what may be used, with the faults added to `into`.
 */
export function parseJson(text: string, into: ConfigFault[]): unknown {
  if (maybeDeep(text) && (require("./locate-syntax-error.ts") as Locating).levels(text) > mostLevels) {
    fault(into, "", `invalid JSON: exceeded max depth of ${mostLevels}`);
    return undefined;
  }
  let value: unknown;
  try {
    value = hasLongNumber(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    fault(into, "", `invalid JSON: ${(require("./locate-syntax-error.ts") as Locating).locateSyntaxError(text)}`);
    return undefined;
  }
  // A NUL can only come from its escape, a lone surrogate from that of a surrogate.
  if (text.includes("\\u0000") || text.includes("\\ud") || text.includes("\\uD")) {
    (require("./unusable-strings.ts") as typeof import("./unusable-strings.ts")).findUnusableStrings(value, into);
  }
  return value;
}

type Locating = typeof import("./locate-syntax-error.ts");

/** Every level takes a bracket: few brackets, few levels. */
function maybeDeep(text: string): boolean {
  if (text.length <= mostLevels) return false;
  let brackets = 0;
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at + 1)) brackets++;
  for (let at = text.indexOf("["); at >= 0; at = text.indexOf("[", at + 1)) brackets++;
  return brackets > mostLevels;
}

/** True when there are 16 digits in a row: below that a double is exact. Looks at every sixteenth character only. */
function hasLongNumber(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigit(text, at)) continue;
    let start = at;
    while (isDigit(text, start - 1)) start--;
    let end = at + 1;
    while (isDigit(text, end)) end++;
    if (end - start >= 16) return true;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** A reviver: the source text tells what the double has lost. Longer than any 64-bit integer stays a double, and is refused. */
function exactInteger(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return source.length <= 20 && /^-?\d+$/.test(source) ? BigInt(source) : value;
}
