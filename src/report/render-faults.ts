/** How what was found in a document is told: as an error, as text, as JSON. */
import type { ConfigFault } from "../bundle/config-fault.ts";
import { RuntimeFault, shown } from "./fault.ts";
import { goJson } from "./go-json.ts";

/** One error of all faults: the first as its sentence, each further one on a line of its own. */
export function faultOfAll(faults: readonly ConfigFault[], document: string): RuntimeFault {
  const [first, ...others] = faults as [ConfigFault, ...ConfigFault[]];
  const hints = first.expected === undefined ? [] : [`expected ${first.expected}`];
  if (others.length > 0) hints.push(["and also", ...others.slice(0, mostLines).map(renderFault)].join("\n  "));
  if (others.length > mostLines) hints.push(`and ${others.length - mostLines} more`);
  return new RuntimeFault({
    what: printable(first.message),
    where: printable(first.pointer === "" ? document : first.pointer),
    value: first.value,
    hint: hints.length > 0 ? hints.join("; ") : undefined,
  });
}

/** A hostile document can have a fault in each of a million places; nobody reads so many. */
const mostLines = 100;

/** `/pointer: message [value "x"]; expected y`. */
export function renderFault({ pointer, message, value, expected }: ConfigFault): string {
  const place = pointer === "" ? "" : `${printable(pointer)}: `;
  const given = value === undefined ? "" : ` [value ${shown(value)}]`;
  return `${place}${printable(message)}${given}${expected === undefined ? "" : `; expected ${expected}`}`;
}

/** A message may quote what a document says: control characters must not reach a terminal or a log as such. */
function printable(text: string): string {
  const escaped = text.replace(/\p{Cc}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return escaped.length > 400 ? `${escaped.slice(0, 397)}...` : escaped;
}

/** A line for each, faults before warnings, and one that counts them. */
export function renderText(faults: readonly ConfigFault[], warnings: readonly ConfigFault[]): string {
  const lines = faults.map((one) => `error: ${renderFault(one)}`);
  for (const one of warnings) lines.push(`warning: ${renderFault(one)}`);
  lines.push(`${counted(faults.length, "error")}, ${counted(warnings.length, "warning")}`);
  return `${lines.join("\n")}\n`;
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** `{"faults": [...], "warnings": [...]}` with the members of ConfigFault. */
export function renderJson(faults: readonly ConfigFault[], warnings: readonly ConfigFault[]): string {
  return `${goJson({ faults, warnings }, "  ")}\n`;
}
