/** The engine of `validate`: a bundle held against its documents' rules and this host, without making anything. */
import { errnoText } from "../../native-bindings/errno.ts";
import { S_IFDIR, tryStat } from "../../native-bindings/files.ts";
import { type ConfigFault, fault } from "../bundle/config-fault.ts";
import { type Lint, lintText } from "../bundle/lint.ts";
import { readConfigText } from "../bundle/read-bundle.ts";
import { readHostCapabilities } from "../host/host-capabilities.ts";

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

function checkRootfs(path: string, bundle: string, into: ConfigFault[]): void {
  const rootfs = path[0] === "/" ? path : `${bundle}/${path}`;
  const status = tryStat(rootfs);
  if (typeof status === "number") {
    fault(into, "/root/path", `invalid rootfs: stat ${rootfs}: ${errnoText(-status)}`, path);
  } else if (status.type !== S_IFDIR) {
    fault(into, "/root/path", `invalid rootfs: ${rootfs}: not a directory`, path);
  }
}
