import { existsSync, readdirSync, readFileSync } from "node:fs";

/** "254:0", of a name in /sys/block. */
export function deviceNumber(name: string): string {
  return readFileSync(`/sys/block/${name}/dev`, "utf8").trim();
}

const names = existsSync("/sys/block") ? readdirSync("/sys/block") : [];
const first = names.find((name) => /^(vd|sd|nvme|xvd)/.test(name));

/** The number of the first whole disk, if there is one: limits of devices are for those. */
export const firstDisk = first && deviceNumber(first);
