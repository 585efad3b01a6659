import type { Schema } from "./json-schema.ts";

/** What a reference of the schema's leads to: `{"$ref": "#/definitions/Mount"}`; any other schema is itself. */
export function resolverOf(root: Schema): (schema: Schema) => Schema {
  const definitions = root.definitions ?? {};
  return (schema) => (schema.$ref === undefined ? schema : definitions[schema.$ref.slice("#/definitions/".length)]!);
}
