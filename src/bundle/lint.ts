/** Everything that can be said of a config without making a container of it: what `validate` tells. */
import type { HostCapabilities } from "../host/host-capabilities.ts";
import type { ConfigFault } from "./config-fault.ts";
import { checkAgainstHost } from "./host-limits.ts";
import { findMisspeltFields } from "./misspelt-fields.ts";
import type { Schema } from "./schema/json-schema.ts";
import { validateText } from "./validate.ts";

export interface Lint {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/**
 * What keeps a config from running on a host that is given as data, and what in it will not do what it seems to say.
 *
 * @param systemdCgroup whether systemd is to make the cgroup, which takes other paths then.
 */
export function lintText(configText: string, host: HostCapabilities, systemdCgroup: boolean): Lint {
  const { value, faults, warnings } = validateText(configText);
  const more: ConfigFault[] = [];
  if (value !== undefined) checkAgainstHost(value, host, systemdCgroup, more);
  const isJson = value !== undefined || faults[0]?.pointer !== "";
  if (isJson) findMisspeltFields(JSON.parse(configText), require("./generated/config.schema.json") as Schema, more);
  // A field in another case was told already where it was taken for what it is meant to be.
  const told = (one: ConfigFault) => warnings.some(({ pointer }) => pointer === one.pointer);
  return {
    faults: [...faults, ...more.filter((one) => one.severity === "fault")],
    warnings: [...warnings, ...more.filter((one) => one.severity === "warning" && !told(one))],
  };
}
