import type { LinuxDevice, LinuxDeviceCgroup } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";

/** Any major or minor number. */
export const ANY = -1;
/** Access bits as the kernel has them for both versions, BPF_DEVCG_ACC_*. */
export const MKNOD = 1;
export const READ = 2;
export const WRITE = 4;
export const EVERYTHING = MKNOD | READ | WRITE;

/** An exception to the default: `access` of this device is allowed in a list of `denies`, and denied in one of `allows`. */
export interface DeviceException {
  readonly type: "b" | "c";
  /** {@link ANY}, or up to 2^32 - 1. */
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** All device rules of a container, after those that change nothing are gone. */
export interface DeviceList {
  readonly byDefault: "allows" | "denies";
  readonly exceptions: readonly DeviceException[];
}

/**
 * What every container may use, appended to the rules of config.json (and winning over them, as in runc): making any
 * device node, and the devices of config-linux.md "Default Devices", pseudo-terminals, and TUN. Major, minor, path.
 */
const defaults: readonly (readonly [major: number, minor: number, path?: string])[] = [
  [1, 3, "/dev/null"],
  [1, 8, "/dev/random"],
  [1, 7, "/dev/full"],
  [5, 0, "/dev/tty"],
  [1, 5, "/dev/zero"],
  [1, 9, "/dev/urandom"],
  [136, ANY],
  [5, 2],
  [10, 200],
];

/**
 * The rules of `linux.resources.devices` and the defaults, put together as the kernel's v1 controller would.
 *
 * The start is "deny everything", whatever the first rule says. A rule of type `a` sets the default and forgets the rest.
 *
 * @param devices `linux.devices`: a default device that is given there under its path gets no rule by default.
 * @throws RuntimeFault for a rule that takes a part out of a wildcard: v1 would ignore it and give false safety.
 */
export function deviceList(
  rules: readonly LinuxDeviceCgroup[] | undefined,
  devices: readonly LinuxDevice[] | undefined,
): DeviceList {
  const list: Building = { allows: false, exceptions: [] };
  for (let index = 0; rules !== undefined && index < rules.length; index++) {
    const rule = rules[index]!;
    const access = accessBits(rule.access, index);
    const type = rule.type || "a";
    if (type === "a") {
      list.allows = rule.allow;
      list.exceptions.length = 0;
      continue;
    }
    const major = deviceNumber(rule.major, index, "major");
    const minor = deviceNumber(rule.minor, index, "minor");
    apply(list, { type, major, minor, access }, rule.allow, index);
  }
  apply(list, { type: "c", major: ANY, minor: ANY, access: MKNOD }, true);
  apply(list, { type: "b", major: ANY, minor: ANY, access: MKNOD }, true);
  for (const [major, minor, path] of defaults) {
    if (path !== undefined && devices !== undefined && isGivenAt(path, devices)) continue;
    apply(list, { type: "c", major, minor, access: EVERYTHING }, true);
  }
  return { byDefault: list.allows ? "allows" : "denies", exceptions: list.exceptions };
}

function isGivenAt(path: string, devices: readonly LinuxDevice[]): boolean {
  for (const device of devices) if (device.path === path) return true;
  return false;
}

interface Building {
  allows: boolean;
  readonly exceptions: DeviceException[];
}

/** @param index of the rule in config.json, if it is from there. */
function apply(list: Building, rule: DeviceException, allow: boolean, index?: number): void {
  const { exceptions } = list;
  if (allow === list.allows) refuseHole(exceptions, rule, index);
  // A scan, not a map: lists are short, and keys would have to be made of three fields each time.
  let at = 0;
  while (at < exceptions.length && !isSameDevice(exceptions[at]!, rule)) at++;
  const before = exceptions[at];
  if (allow !== list.allows) {
    exceptions[at] = before === undefined ? rule : { ...rule, access: before.access | rule.access };
  } else if (before !== undefined) {
    const left = before.access & ~rule.access;
    if (left === 0) exceptions.splice(at, 1);
    else exceptions[at] = { ...rule, access: left };
  }
}

function isSameDevice(a: DeviceException, b: DeviceException): boolean {
  return a.major === b.major && a.minor === b.minor && a.type === b.type;
}

function refuseHole(exceptions: readonly DeviceException[], rule: DeviceException, index?: number): void {
  for (const exception of exceptions) {
    const covers =
      exception.type === rule.type &&
      (exception.major === ANY || exception.major === rule.major) &&
      (exception.minor === ANY || exception.minor === rule.minor) &&
      !isSameDevice(exception, rule);
    if (!covers || (exception.access & rule.access) === 0) continue;
    throw new RuntimeFault({
      what:
        `requested rule [${line(rule)}] not supported by devices cgroupv1 ` +
        `(cannot punch hole in existing wildcard rule [${line(exception)}])`,
      where: `/linux/resources/devices${index === undefined ? "" : `/${index}`}`,
      hint: "deny by default and allow what is needed",
    });
  }
}

function deviceNumber(value: number | bigint | undefined, index: number, field: "major" | "minor"): number {
  if (value === undefined || value === -1) return ANY;
  if (value < 0 || value > 0xffffffff) {
    const where = `/linux/resources/devices/${index}/${field}`;
    throw new RuntimeFault({ what: "no device has this number", where, value, hint: "-1 means any" });
  }
  return Number(value);
}

function accessBits(access: string | undefined, index: number): number {
  const where = `/linux/resources/devices/${index}/access`;
  if (!access) throw new RuntimeFault({ what: `device access at ${index} field cannot be empty`, where });
  let bits = 0;
  for (const letter of access) bits |= letter === "r" ? READ : letter === "w" ? WRITE : letter === "m" ? MKNOD : 0;
  if (bits !== 0) return bits;
  throw new RuntimeFault({ what: 'device access must be made of "r", "w" and "m"', where, value: access });
}

/** One line of devices.allow and devices.deny: "c 1:3 rwm". */
function line({ type, major, minor, access }: DeviceException): string {
  const letters = (access & READ ? "r" : "") + (access & WRITE ? "w" : "") + (access & MKNOD ? "m" : "");
  return `${type} ${major === ANY ? "*" : major}:${minor === ANY ? "*" : minor} ${letters}`;
}

/** A device list as writes to cgroup v1: all of `first`'s file, then every line of the other. */
export interface DeviceWrites {
  /** Sets the default and forgets what the cgroup inherited from its parent. */
  readonly reset: "devices.allow" | "devices.deny";
  readonly exceptionFile: "devices.allow" | "devices.deny";
  /** Each is one write(2). */
  readonly lines: readonly string[];
}

/** @see https://www.kernel.org/doc/Documentation/cgroup-v1/devices.rst */
export function deviceWritesV1(list: DeviceList): DeviceWrites {
  const allows = list.byDefault === "allows";
  const lines: string[] = [];
  for (const exception of list.exceptions) lines.push(line(exception));
  return {
    reset: allows ? "devices.allow" : "devices.deny",
    exceptionFile: allows ? "devices.deny" : "devices.allow",
    lines,
  };
}

/** The line that stands for every device. */
export const ALL_DEVICES = "a *:* rwm";
