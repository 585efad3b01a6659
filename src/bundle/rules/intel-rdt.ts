import type { LinuxIntelRdt } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";

/** config-linux.md "IntelRdt". closID becomes a directory's name below resctrl. */
export function checkIntelRdt(rdt: LinuxIntelRdt, at: string, into: ConfigFault[]): void {
  const { closID = "", l3CacheSchema = "", memBwSchema = "", schemata = [] } = rdt;
  if (closID === "." || closID === ".." || (closID.length > 1 && closID.includes("/")) || closID.includes("\n")) {
    fault(into, `${at}/closID`, `invalid intelRdt.ClosID ${JSON.stringify(closID)}`);
  }
  if (l3CacheSchema.includes("\n")) fault(into, `${at}/l3CacheSchema`, "schema contains a newline", l3CacheSchema);
  if (memBwSchema.includes("\n")) fault(into, `${at}/memBwSchema`, "schema contains a newline", memBwSchema);
  if (memBwSchema !== "" && !memBwSchema.startsWith("MB:")) {
    fault(into, `${at}/memBwSchema`, "memBwSchema does not start with MB:", memBwSchema);
  }
  for (let i = 0; i < schemata.length; i++) {
    if (schemata[i]!.includes("\n")) fault(into, `${at}/schemata/${i}`, "schema contains a newline", schemata[i]);
  }
  for (const name of ["enableCMT", "enableMBM"] as const) {
    if (rdt[name]) warning(into, `${at}/${name}`, `${name} was removed from the specification: use enableMonitoring`);
  }
}
