import { z } from "zod";
import type { IntegerType } from "../integer-bounds.ts";

/** A `meta` that generate.ts turns into the validator's own exact range check; JSON Schema's numbers are doubles. */
const small = (integer: IntegerType) => z.number().meta({ integer });
const large = (integer: IntegerType) => z.union([z.number(), z.bigint()]).meta({ integer });

export const uint16 = small("uint16");
export const int32 = small("int32");
export const uint32 = small("uint32");
/** A number where it is a safe integer, a bigint beyond. */
export const int64 = large("int64");
/** A number where it is a safe integer, a bigint beyond. */
export const uint64 = large("uint64");
