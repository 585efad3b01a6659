import type { Bundle } from "./bundle.ts";
import type { Config } from "./config.ts";
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
  const config = withoutIdmapOptions(valueOrThrow(validation, configName));
  return { directory: physical, config, configText, warnings: validation.warnings };
}

function withoutIdmapOptions(config: Config): Config {
  for (const mount of config.mounts ?? []) {
    for (const option of mount.options ?? []) {
      if (option.charCodeAt(0) !== 0x69 || !option.startsWith("idmap=")) continue;
      return (require("./idmap-option.ts") as typeof import("./idmap-option.ts")).withMountMappings(config);
    }
  }
  return config;
}
