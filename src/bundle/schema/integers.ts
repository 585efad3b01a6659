import { z } from "zod";

/** The integer types of the specification, by their Go names, with their inclusive bounds. */
export const integerBounds = {
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const satisfies Record<string, readonly [bigint, bigint]>;

export type IntegerType = keyof typeof integerBounds;

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
