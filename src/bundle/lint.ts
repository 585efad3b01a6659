/** The engine of `validate`: everything that can be said of a bundle without making a container. */

import { errnoText } from "../../native-bindings/errno.ts";
import { S_IFDIR, tryStat } from "../../native-bindings/files.ts";
import { type HostCapabilities, readHostCapabilities } from "../host/host-capabilities.ts";
import type { Config } from "./config.ts";
import { type ConfigFault, fault } from "./config-fault.ts";
import { checkAgainstHost } from "./host-limits.ts";
import { findMisspeltFields } from "./misspelt-fields.ts";
import { readConfigText } from "./read-bundle.ts";
import type { Schema } from "./schema/json-schema.ts";
import { validateText } from "./validate.ts";

export interface Lint {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/**
 * What keeps the bundle in `directory` from running on this host, and what in it will not do what it seems to say.
 *
 * @throws RuntimeFault when there is no config.json that can be read.
 */
export function lintBundle(directory: string): Lint {
  const { physical, configText } = readConfigText(directory);
  const found = lintText(configText, readHostCapabilities());
  const root: ConfigFault[] = [];
  if (found.config !== undefined) checkRootfs(found.config.root.path, physical, root);
  return { faults: [...root, ...found.faults], warnings: found.warnings };
}

/** {@link lintBundle} of a document alone, for a host given as data. */
export function lintText(configText: string, host: HostCapabilities): Lint & { config?: Config } {
  const { value, faults, warnings } = validateText(configText);
  const more: ConfigFault[] = [];
  if (value !== undefined) checkAgainstHost(value, host, more);
  const isJson = value !== undefined || faults[0]?.pointer !== "";
  if (isJson) findMisspeltFields(JSON.parse(configText), require("./generated/config.schema.json") as Schema, more);
  return {
    config: value,
    faults: [...faults, ...more.filter((one) => one.severity === "fault")],
    warnings: [...warnings, ...more.filter((one) => one.severity === "warning")],
  };
}

function checkRootfs(path: string, bundle: string, into: ConfigFault[]): void {
  const rootfs = path[0] === "/" ? path : `${bundle}/${path}`;
  const status = tryStat(rootfs);
  if (typeof status === "number") {
    fault(into, "/root/path", `invalid rootfs: stat ${rootfs}: ${errnoText(-status)}`, path);
  } else if (status.type !== S_IFDIR) {
    fault(into, "/root/path", `invalid rootfs: ${rootfs}: not a directory`, path);
  }
}
