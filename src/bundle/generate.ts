/**
 * Writes, from the zod schema, what the executable holds instead of zod and ajv (run by scripts/build.mjs):
 *
 *   generated/accepts.js           yes or no: for the hot path, where documents are right
 *   generated/validate.js          ajv's code, which names every error: loaded when the answer was no
 *   generated/config.schema.json   JSON Schema: the names that `validate` compares typos with, and for editors
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { _, type CodeKeywordDefinition, type KeywordCxt } from "ajv";
import { _Code } from "ajv/dist/compile/codegen/code";
import standaloneCode from "ajv/dist/standalone";
import { type IntegerType, integerBounds } from "./integer-bounds.ts";
import { publishedSchema, type Schema, schemaWithIntegers } from "./schema/json-schema.ts";
import { recognizerCode } from "./schema/recognizer.ts";

/** ajv keyword `integer`: a safe integer or a bigint, within the exact bounds of the named type. */
const integerKeyword: CodeKeywordDefinition = {
  keyword: "integer",
  schemaType: "string",
  error: { message: "", params: ({ params }) => _`{type: ${params.type}}` },
  code(cxt: KeywordCxt) {
    const [least, most] = integerBounds[cxt.schema as IntegerType].map((bound) => new _Code(`${bound}n`));
    const value = cxt.data;
    const big = _`typeof ${value} == "bigint" || Number.isSafeInteger(${value})`;
    cxt.setParams({ type: _`${cxt.schema}` });
    cxt.pass(_`(${big}) && ${value} >= ${least!} && ${value} <= ${most!}`);
  },
};

/** Standalone code that collects all errors, for a whole config.json and the two fragments that commands accept. */
function validators(schema: Schema): string {
  const ajv = new Ajv({
    allErrors: true,
    inlineRefs: false,
    messages: false,
    strict: true,
    allowUnionTypes: true,
    keywords: [integerKeyword],
    code: { source: true, esm: true },
  });
  ajv.addSchema(schema, "config");
  for (const name of fragments) ajv.addSchema({ $ref: `config#/definitions/${name}` }, name);
  return standaloneCode(ajv, {
    validateConfig: "config",
    validateProcess: "Process",
    validateLinuxResources: "LinuxResources",
  });
}

const fragments = ["Process", "LinuxResources"];
const folder = join(import.meta.dirname, "generated");
const schema = schemaWithIntegers();
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "accepts.js"), recognizerCode(schema.definitions, ["Config", ...fragments]));
writeFileSync(join(folder, "validate.js"), validators(schema));
writeFileSync(join(folder, "config.schema.json"), publishedSchema(schema));
