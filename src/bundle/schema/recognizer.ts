import { type IntegerType, integerBounds } from "../integer-bounds.ts";
import type { Schema } from "./json-schema.ts";

/**
 * JavaScript that says yes or no, and nothing else, to a document: a hundredth of the code of a validator that explains,
 * which is what a cold start pays for. Exports `acceptsNAME` for each of `roots`.
 */
export function recognizerCode(definitions: Record<string, Schema>, roots: string[]): string {
  const lines = [
    'const isObject = (v) => typeof v == "object" && v !== null && !Array.isArray(v);',
    "const every = (v, is) => { if (!Array.isArray(v)) return false; for (let i = 0; i < v.length; i++) if (!is(v[i])) return false; return true; };",
    "const values = (v, is) => { if (!isObject(v)) return false; for (const k of Object.keys(v)) if (!is(v[k])) return false; return true; };",
    'const isString = (v) => typeof v == "string";',
  ];
  for (const type of Object.keys(integerBounds) as IntegerType[])
    lines.push(`const ${type} = (v) => ${integerTest(type)};`);
  for (const [name, schema] of Object.entries(definitions))
    lines.push(`function ${name}(v) { return ${test(schema, "v")}; }`);
  lines.push(`export { ${roots.map((name) => `${name} as accepts${name}`).join(", ")} };`);
  return `${lines.join("\n")}\n`;
}

function integerTest(type: IntegerType): string {
  const [least, most] = integerBounds[type];
  const small = `Number.isSafeInteger(v) && v >= ${least} && v <= ${most}`;
  if (type !== "int64" && type !== "uint64") return small;
  const safe = type === "int64" ? "Number.isSafeInteger(v)" : "Number.isSafeInteger(v) && v >= 0";
  return `(${safe}) || (typeof v == "bigint" && v >= ${least}n && v <= ${most}n)`;
}

/** An expression that is true when `value`, an expression, is what `schema` describes. */
function test(schema: Schema, value: string): string {
  if (schema.$ref !== undefined) return `${nameOf(schema.$ref)}(${value})`;
  if (schema.integer !== undefined) return `${schema.integer}(${value})`;
  if (schema.enum !== undefined)
    return `(${schema.enum.map((one) => `${value} === ${JSON.stringify(one)}`).join(" || ")})`;
  switch (schema.type) {
    case "array":
      return `every(${value}, ${predicate(schema.items!)})`;
    case "object":
      return schema.properties === undefined
        ? `values(${value}, ${predicate(schema.additionalProperties!)})`
        : `isObject(${value})${Object.entries(schema.properties).map(member(schema, value)).join("")}`;
    case "string":
    case "boolean":
      return `typeof ${value} == "${schema.type}"`;
    default:
      return "true";
  }
}

const member =
  (schema: Schema, value: string) =>
  ([name, inner]: [string, Schema]) => {
    const is = test(inner, `${value}.${name}`);
    return schema.required?.includes(name) ? `\n  && ${is}` : `\n  && (${value}.${name} === undefined || ${is})`;
  };

function predicate(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.integer !== undefined) return schema.integer;
  return schema.type === "string" && schema.enum === undefined ? "isString" : `(v) => ${test(schema, "v")}`;
}

const nameOf = (ref: string) => ref.slice(ref.lastIndexOf("/") + 1);
