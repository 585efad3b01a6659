import { z } from "zod";
import { type IntegerType, integerBounds } from "../integer-bounds.ts";
import { config } from "./config.ts";

/** The part of JSON Schema that the definitions use, and one keyword of our own: `integer`, a Go integer type. */
export interface Schema {
  $ref?: string;
  type?: "object" | "array" | "string" | "boolean";
  integer?: IntegerType;
  enum?: string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema;
  definitions?: Record<string, Schema>;
}

interface Made extends Schema {
  allOf?: Schema[];
  propertyNames?: unknown;
}

/** The zod schema as JSON Schema with a definition for each named object. */
export function schemaWithIntegers(): Schema & { definitions: Record<string, Schema> } {
  const made: unknown = z.toJSONSchema(config, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override({ jsonSchema, zodSchema }) {
      const made = jsonSchema as Made;
      const integer = z.globalRegistry.get(zodSchema)?.integer as IntegerType | undefined;
      if (integer !== undefined) {
        for (const key of Object.keys(made)) delete made[key as keyof Made];
        made.integer = integer;
      }
      delete made.propertyNames;
      if (made.allOf?.length === 1) {
        made.$ref = made.allOf[0]!.$ref;
        delete made.allOf;
      }
    },
  });
  return made as Schema & { definitions: Record<string, Schema> };
}

/** The same as the text of a plain JSON Schema: integers with their bounds, exact to the last digit. */
export function publishedSchema(schema: Schema): string {
  const exact = (_: string, value: unknown) => {
    const type = (value as Schema | null)?.integer;
    if (typeof type !== "string") return value;
    const [least, most] = integerBounds[type];
    return { type: "integer", minimum: `#${least}#`, maximum: `#${most}#` };
  };
  return JSON.stringify(schema, exact, 1).replace(/"#(-?\d+)#"/g, "$1");
}
