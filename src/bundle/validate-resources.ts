import type { LinuxResources } from "./config.ts";
import { acceptsLinuxResources } from "./generated/accepts.js";
import { findMisspeltFields } from "./misspelt-fields.ts";
import { renameFields } from "./other-case.ts";
import { checkResources } from "./rules/resources.ts";
import type { Schema } from "./schema/json-schema.ts";
import { type Validation, validateDocument } from "./validate-document.ts";

const name = "LinuxResources";

/**
 * The document of `update --resources`, as strictly as config.json's own resources. Nothing in it must be there, so a name that
 * is not quite one is not found out by what is missing: it is read as Go's decoder reads it, or warned of.
 */
export function validateResourcesText(text: string): Validation<LinuxResources> {
  return validateDocument(
    text,
    name,
    acceptsLinuxResources,
    (resources, broken, into) => {
      if (broken.length === 0) checkResources(resources, "", into);
    },
    (value, into) => {
      const root = require("./generated/config.schema.json") as Schema;
      renameFields(value, name, root, into);
      findMisspeltFields(value, { ...root, $ref: `#/definitions/${name}` }, into);
    },
  );
}
