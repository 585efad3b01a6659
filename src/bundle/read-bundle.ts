import type { Bundle } from "./bundle.ts";
import { configName, readConfigText } from "./read-config-text.ts";
import { valueOrThrow } from "./refuse.ts";
import { validateText } from "./validate.ts";

/**
 * Reads and validates the bundle in `directory`, relative to the working directory or absolute.
 *
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readBundle(directory: string): Bundle {
  const { physical, configText } = readConfigText(directory);
  const validation = validateText(configText);
  const config = valueOrThrow(validation, configName);
  return { directory: physical, config, configText, warnings: validation.warnings };
}
