import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { acceptsConfig } from "./generated/accepts.js";
import { validateConfig } from "./generated/validate.js";
import { integerBounds } from "./integer-bounds.ts";
import { type Schema, schemaWithIntegers } from "./schema/json-schema.ts";

const schema = schemaWithIntegers();

/** A document with every field of the schema. */
function full(part: Schema): unknown {
  if (part.$ref !== undefined) return full(schema.definitions[part.$ref.slice("#/definitions/".length)]!);
  if (part.enum !== undefined) return part.enum.at(-1);
  if (part.integer !== undefined) return 1;
  if (part.items !== undefined) return [full(part.items)];
  if (part.properties !== undefined) {
    return Object.fromEntries(Object.entries(part.properties).map(([name, inner]) => [name, full(inner)]));
  }
  if (part.additionalProperties !== undefined) return { key: full(part.additionalProperties) };
  return part.type === "boolean" ? true : "text";
}

/** Every path to a value inside a document. */
function paths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))];
}

function replaced(document: unknown, path: string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const copy = structuredClone(document) as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((inner, key) => inner[key] as Record<string, unknown>, copy);
  if (value === undefined && !Array.isArray(parent)) delete parent[path.at(-1)!];
  else parent[path.at(-1)!] = value;
  return copy;
}

const document = full(schema);

describe("the recognizer and ajv's validator", () => {
  test("accept a document with every field", () => {
    expect(acceptsConfig(document)).toBe(true);
    expect(validateConfig(document)).toBe(true);
    expect(paths(document).length).toBeGreaterThan(200);
  });

  const bounds = Object.values(integerBounds).flatMap(([least, most]) => [least - 1n, least, most, most + 1n]);
  const exact = bounds.map((bound) => (Number.isSafeInteger(Number(bound)) ? Number(bound) : bound));
  const others = [
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    Infinity,
    2 ** 60,
    "",
    "x",
    [],
    ["x"],
    [1],
    {},
    { a: "x" },
    { a: 1 },
  ];

  test("agree on every field with every kind of value", () => {
    let refused = 0;
    for (const path of paths(document)) {
      for (const value of [...others, ...exact]) {
        const changed = replaced(document, path, value);
        const accepted = acceptsConfig(changed);
        if (!accepted) refused++;
        if (validateConfig(changed) !== accepted) throw new Error(`/${path.join("/")} ${value}: not the same answer`);
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

test("the published schema has exact bounds", () => {
  const text = readFileSync(join(import.meta.dirname, "generated/config.schema.json"), "utf8");
  expect(text).toContain('"maximum": 18446744073709551615');
  expect(text).toContain('"minimum": -9223372036854775808');
  expect(text).not.toContain('"integer":');
});
