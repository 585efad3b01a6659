/** For tests: a valid document, changed in one place, and all that is then said of it. */
import { expect, test } from "bun:test";
import { goJson } from "../report/go-json.ts";
import type { ConfigFault } from "./config-fault.ts";
import { validateText } from "./validate.ts";

/** Pointer to new value; undefined removes. Objects on the way are made. */
export type Changes = Readonly<Record<string, unknown>>;

/** A sentence, what is changed, and what is found: "/pointer: message", after "warning " when it is only that. */
export type Row = readonly [sentence: string, changes: Changes, ...found: string[]];

/** The text of a small valid config.json with changes. */
export function documentWith(changes: Changes): string {
  const document: Record<string, unknown> = {
    ociVersion: "1.3.0",
    process: { args: ["sh"], cwd: "/" },
    root: { path: "rootfs" },
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }] },
  };
  for (const [pointer, value] of Object.entries(changes)) {
    const parts = pointer.split("/").slice(1);
    const last = parts.pop()!;
    let inner = document;
    for (const part of parts) {
      inner[part] ??= {};
      inner = inner[part] as Record<string, unknown>;
    }
    inner[last] = value;
  }
  return goJson(document);
}

/** As {@link Row} has it. */
export function told(found: readonly ConfigFault[]): string[] {
  return found.map(
    ({ severity, pointer, message }) => `${severity === "warning" ? "warning " : ""}${pointer}: ${message}`,
  );
}

/** One test a row: exactly these findings, no more, and a document with faults has no value. */
export function testRows(rows: readonly Row[]): void {
  for (const [sentence, changes, ...expected] of rows) {
    test(sentence, () => {
      const { value, faults, warnings } = validateText(documentWith(changes));
      expect(told([...faults, ...warnings])).toEqual(expected);
      expect(value === undefined).toBe(faults.length > 0);
    });
  }
}

/** Namespaces by type, without paths. */
export const namespaces = (...types: string[]): Changes => ({ "/linux/namespaces": types.map((type) => ({ type })) });
