/** The lines of a `schemata` file, "L3:0=7ff;1=7ff": a resource, and a value for each of its domains. */
import type { LinuxIntelRdt } from "../bundle/config.ts";

/** What is to be written: the older two fields first, so that `schemata` has the last word. "" when nothing is. */
export function schemataText({ l3CacheSchema, memBwSchema, schemata = [] }: LinuxIntelRdt): string {
  let text = "";
  for (const line of [l3CacheSchema, memBwSchema, ...schemata]) if (line) text += `${line}\n`;
  return text;
}

/**
 * The first of the wanted lines that the file says otherwise. The kernel writes values in its own way (blanks, leading
 * zeros), and all domains of a resource, of which a config may name some.
 */
export function firstDifference(wanted: string, present: string): string | undefined {
  const found = parse(present);
  // The last line of a resource counts, as when they are written.
  for (const [key, value] of parse(wanted)) {
    if (found.get(key) !== value) return `${key}=${value}`;
  }
  return undefined;
}

/** "L3:0" → "7ff". */
function parse(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const resource = line.slice(0, colon).trim();
    for (const domain of line.slice(colon + 1).split(";")) {
      const [id = "", value = ""] = domain.split("=");
      values.set(
        `${resource}:${Number(id)}`,
        value
          .trim()
          .toLowerCase()
          .replace(/^0+(?=.)/, ""),
      );
    }
  }
  return values;
}
