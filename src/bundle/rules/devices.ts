import type { LinuxDevice, LinuxDeviceCgroup } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";
import { checkLength } from "./path-length.ts";

/** MKDEV's 12 and 20 bits, makedev(3). */
const mostMajor = 4095;
const mostMinor = 1048575;

/** config-linux.md "Devices". */
export function checkDevices(devices: readonly LinuxDevice[], at: string, into: ConfigFault[]): void {
  for (let i = 0; i < devices.length; i++) {
    const { path, type, major, minor } = devices[i]!;
    if (path[0] !== "/") fault(into, `${at}/${i}/path`, "device path is not absolute", path, "an absolute path");
    checkLength(path, `${at}/${i}/path`, into);
    if (type === "p") continue;
    checkNumber(major, mostMajor, `${at}/${i}/major`, into);
    checkNumber(minor, mostMinor, `${at}/${i}/minor`, into);
  }
}

function checkNumber(number: number | bigint | undefined, most: number, at: string, into: ConfigFault[]): void {
  if (number === undefined || number < 0) fault(into, at, "cannot mkdev() device with wildcards", number);
  else if (number > most) fault(into, at, "device number is too large", number, `at most ${most}`);
}

/** config-linux.md "Allowed Device list". -1, as runc's own rules have it, is any number. */
export function checkDeviceRules(rules: readonly LinuxDeviceCgroup[], at: string, into: ConfigFault[]): void {
  for (let i = 0; i < rules.length; i++) {
    const { access, major, minor } = rules[i]!;
    if (!access) fault(into, `${at}/${i}/access`, `device access at ${i} field cannot be empty`);
    else checkAccess(access, `${at}/${i}/access`, i, into);
    if (major !== undefined && (major < -1 || major > 0xffffffff)) {
      fault(into, `${at}/${i}/major`, "invalid major device number", major);
    }
    if (minor !== undefined && (minor < -1 || minor > 0xffffffff)) {
      fault(into, `${at}/${i}/minor`, "invalid minor device number", minor);
    }
  }
}

/** runc ignores other letters: so one that has some of its own may be meant for something, and is only warned of. */
function checkAccess(access: string, at: string, index: number, into: ConfigFault[]): void {
  let known = 0;
  for (const letter of access) if (letter === "r" || letter === "w" || letter === "m") known++;
  if (known === access.length) return;
  if (known > 0) warning(into, at, `device access at ${index} field: only the letters of "rwm" mean something`);
  else fault(into, at, `device access at ${index} field is invalid`, access, 'letters of "rwm"');
}
