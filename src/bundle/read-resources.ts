import type { LinuxResources } from "./config.ts";
import { valueOrThrow } from "./refuse.ts";
import { validateResourcesText } from "./validate.ts";

/**
 * The limits that `update --resources` is given, as strictly as config.json's own.
 *
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readResources(text: string): LinuxResources {
  return valueOrThrow(validateResourcesText(text), "resources");
}
