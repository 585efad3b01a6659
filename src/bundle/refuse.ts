import type { RuntimeFault } from "../report/fault.ts";
import type { Validation } from "./validate-document.ts";

/**
 * The value of a document that was found valid.
 *
 * @throws RuntimeFault that begins with the first fault and lists the others, one a line.
 */
export function valueOrThrow<Value>({ value, faults }: Validation<Value>, name: string): Value {
  if (value !== undefined && faults.length === 0) return value;
  const { faultOfAll } = require("../report/render-faults.ts") as typeof import("../report/render-faults.ts");
  throw faultOfAll(faults, name) satisfies RuntimeFault;
}
