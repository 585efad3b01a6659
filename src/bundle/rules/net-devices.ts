import type { Config } from "../config.ts";
import { type ConfigFault, child, fault } from "../config-fault.ts";
import { exceedsBytes } from "./byte-length.ts";
import { namespaceOf } from "./namespaces.ts";

/** config-linux.md "Network Devices". */
export function checkNetDevices(config: Config, into: ConfigFault[]): void {
  const devices = config.linux?.netDevices;
  if (devices === undefined) return;
  const names = Object.keys(devices);
  if (names.length > 0 && namespaceOf(config, "network") === undefined) {
    fault(into, "/linux/netDevices", "unable to move network devices without a NET namespace");
  }
  for (const name of names) {
    const at = child("/linux/netDevices", name);
    const renamed = devices[name]!.name;
    if (!isInterfaceName(name)) fault(into, at, `invalid network device name ${JSON.stringify(name)}`);
    if (renamed && !isInterfaceName(renamed)) {
      fault(into, `${at}/name`, `invalid network device name ${JSON.stringify(renamed)}`);
    }
  }
}

/** The kernel's dev_valid_name: IFNAMSIZ is 16 with the NUL. */
function isInterfaceName(name: string): boolean {
  if (name === "" || name === "." || name === ".." || exceedsBytes(name, 15)) return false;
  for (const letter of name) {
    if (letter === "/" || letter === ":" || letter <= " ") return false;
  }
  return true;
}
