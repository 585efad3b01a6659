import { ANY, type DeviceList, MKNOD, READ, WRITE } from "../device-rules.ts";
import type { Property } from "./resource-properties.ts";

/**
 * Device rules as a unit's properties, so that systemd does not undo them when it reloads. What it can't say (all but some; a
 * minor number of any major) is left to the rules that are put into force after it. systemd.resource-control(5), DeviceAllow.
 */
export function deviceProperties({ byDefault, exceptions }: DeviceList): Property[] {
  const emptied: Property = { name: "DeviceAllow", signature: "a(ss)", value: [] };
  if (byDefault === "allows") return [emptied, { name: "DevicePolicy", signature: "s", value: "auto" }];
  const allowed: [string, string][] = [];
  for (const { type, major, minor, access } of exceptions) {
    const path = devicePath(type === "b" ? "block" : "char", major, minor);
    if (path !== undefined) allowed.push([path, permissions(access)]);
  }
  return [
    // An empty list takes away what is there: the others only add to it.
    emptied,
    { name: "DevicePolicy", signature: "s", value: "strict" },
    { name: "DeviceAllow", signature: "a(ss)", value: allowed },
  ];
}

function devicePath(type: "block" | "char", major: number, minor: number): string | undefined {
  if (major === ANY) return minor === ANY ? `${type}-*` : undefined;
  return minor === ANY ? `${type}-${major}` : `/dev/${type}/${major}:${minor}`;
}

function permissions(access: number): string {
  let letters = "";
  if ((access & READ) !== 0) letters += "r";
  if ((access & WRITE) !== 0) letters += "w";
  if ((access & MKNOD) !== 0) letters += "m";
  return letters;
}
