/** Fields written in another case than the schema's. Not on the hot path. */
import { type ConfigFault, child, warning } from "./config-fault.ts";
import type { Schema } from "./schema/json-schema.ts";
import { resolverOf } from "./schema/look-up.ts";

/** A hostile document can have millions. */
const mostTold = 100;

/**
 * Gives fields the names that the schema has for them, whatever the case they are written in, with a warning for each: so Go's decoder
 * reads them, for which some callers write `pagesize`. A field that is there in both ways is left as it is.
 *
 * Only for a document that cannot be used otherwise. In one that can, a name in another case is an unknown one, which the specification
 * wants ignored (config.md "Extensibility"), and `validate` warns of it.
 *
 * @param name the definition in `root` that `value` is meant to be.
 */
export function renameFields(value: unknown, name: string, root: Schema, into: ConfigFault[]): void {
  const resolve = resolverOf(root);
  const walk = (inner: unknown, written: Schema, pointer: string): void => {
    const schema = resolve(written);
    if (typeof inner !== "object" || inner === null) return;
    const members = inner as Record<string, unknown>;
    for (const key of Object.keys(members)) {
      const meant = schema.properties === undefined ? key : nameOf(key, schema.properties);
      if (meant !== key && !Object.hasOwn(members, meant)) {
        members[meant] = members[key];
        delete members[key];
        if (into.length < mostTold) warning(into, child(pointer, key), `taken for "${meant}": case matters`);
      }
      const known = schema.items ?? schema.properties?.[meant] ?? schema.additionalProperties;
      if (known !== undefined) walk(members[meant], known, child(pointer, meant));
    }
  };
  walk(value, { $ref: `#/definitions/${name}` }, "");
}

/** The schema's own name for a field; the key itself when it has none. */
function nameOf(key: string, properties: Record<string, Schema>): string {
  if (Object.hasOwn(properties, key)) return key;
  const lower = key.toLowerCase();
  return Object.keys(properties).find((name) => name.toLowerCase() === lower) ?? key;
}
