import { commands } from "../../src/cli/command-table.ts";
import { commandPage } from "./command-page.ts";
import { programPage } from "./program-page.ts";

const SECTION = 8;

/**
 * All pages, by file name.
 *
 * @param date of the last change, as shown; "" when not known.
 */
export function manual(version: string, date: string): Map<string, string> {
  const specs = Object.entries(commands).map(([name, entry]) => [name, entry()] as const);
  const shown = specs.filter(([name, { hidden }]) => !hidden || name === "completion");
  const page = (name: string) => ({ name, section: SECTION, date, source: `runts ${version}` });
  const pages = new Map([[`runts.${SECTION}`, programPage(page("runts"), shown)]]);
  for (const [name, spec] of shown) {
    pages.set(`runts-${name}.${SECTION}`, commandPage(page(`runts-${name}`), name, spec));
  }
  return pages;
}
