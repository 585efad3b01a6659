import { z } from "zod";

/** Named, so that the validator has one function for the many lists of strings. */
export const strings = z.array(z.string()).meta({ id: "Strings" });
export const stringMap = z.record(z.string(), z.string()).meta({ id: "StringMap" });
