import { S_IFBLK, S_IFCHR, S_IFIFO } from "../../native-bindings/files.ts";
import type { Config, LinuxDevice } from "../bundle/config.ts";
import { relativeDestination } from "./mount-destination.ts";
import type { MountProgress, MountsInput } from "./mount-steps.ts";
import type { Step } from "./step.ts";
import type { DeviceLinks, MakeDevice, OpenDeviceDirectory } from "./steps/devices.ts";

/** name major minor. config-linux.md "Default Devices"; /dev/console and /dev/ptmx are not nodes. */
const DEFAULT_DEVICES = "null 1 3 zero 1 5 full 1 7 random 1 8 urandom 1 9 tty 5 0";
const DEFAULT_MODE = 0o666;

/** /dev: its nodes, the nodes elsewhere that linux.devices asks for, and the links. Nothing where a bind mount is on /dev. */
export function planDevices(input: MountsInput, progress: MountProgress, terminal: boolean): Step[] {
  const steps: Step[] = [];
  if (!progress.devKept || progress.devBound) {
    if (progress.devBound && !terminal) return steps;
    steps.push(openDirectory("dev", "dev", progress));
    if (progress.devBound) return steps;
  }
  const devices = input.config.linux?.devices ?? [];
  addDefaultDevices(input, progress, devices, steps);
  const opened: string[] = [];
  for (let index = 0; index < devices.length; index++) {
    const device = devices[index]!;
    const path = relativeDestination(device.path, input.rootfs);
    if (path === "dev/ptmx") continue;
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : path.slice(0, slash);
    const directory = parent === "dev" ? "dev" : parent === "" ? "rootfs" : `directory:${parent}`;
    if (directory !== "dev" && directory !== "rootfs" && !opened.includes(parent)) {
      opened.push(parent);
      steps.push(openDirectory(parent, directory, progress));
    }
    steps.push(configuredDevice(input, progress, device, path, directory, `/linux/devices/${index}`));
  }
  const links: DeviceLinks = {
    kind: "device-links",
    from: "",
    core: input.facts.kcore,
    fresh: progress.freshDev && !hasLinkName(progress.inDev),
  };
  steps.push(links);
  return steps;
}

function isLinkName(name: string): boolean {
  return name === "fd" || name === "core" || name === "ptmx" || name.startsWith("std");
}

function openDirectory(path: string, keepAs: string, progress: MountProgress): OpenDeviceDirectory {
  return {
    kind: "open-device-directory",
    from: "/linux/devices",
    keepAs,
    point: {
      by: "path",
      parent: "rootfs",
      path,
      file: false,
      make: true,
      outsideProc: progress.procMounted,
      noSymlinks: false,
    },
  };
}

function addDefaultDevices(
  input: MountsInput,
  progress: MountProgress,
  devices: NonNullable<Config["linux"]>["devices"] & object,
  steps: Step[],
): void {
  const words = DEFAULT_DEVICES.split(" ");
  for (let i = 0; i < words.length; i += 3) {
    const name = words[i]!;
    const path = `/dev/${name}`;
    if (isListed(devices, path)) continue;
    const step: MakeDevice = {
      kind: "make-device",
      from: "",
      directory: "dev",
      name,
      path,
      mode: S_IFCHR | DEFAULT_MODE,
      major: Number(words[i + 1]),
      minor: Number(words[i + 2]),
      uid: 0,
      gid: 0,
      fresh: isFresh(progress, name),
      bind: mustBind(input),
    };
    steps.push(step);
  }
}

function hasLinkName(names: readonly string[]): boolean {
  for (const name of names) if (isLinkName(name)) return true;
  return false;
}

function isListed(devices: readonly { readonly path: string }[], path: string): boolean {
  for (const device of devices) if (device.path === path) return true;
  return false;
}

function isFresh(progress: MountProgress, name: string): boolean {
  return progress.freshDev && !progress.inDev.includes(name);
}

function mustBind(input: MountsInput): boolean {
  return input.userNamespace || !input.facts.mayMakeDevices;
}

function configuredDevice(
  input: MountsInput,
  progress: MountProgress,
  device: LinuxDevice,
  path: string,
  directory: string,
  from: string,
): MakeDevice {
  const fifo = device.type === "p";
  const type = fifo ? S_IFIFO : device.type === "b" ? S_IFBLK : S_IFCHR;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    kind: "make-device",
    from,
    directory,
    name,
    path: `/${path}`,
    mode: type | ((device.fileMode ?? DEFAULT_MODE) & 0o7777),
    major: Number(device.major ?? 0),
    minor: Number(device.minor ?? 0),
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
    fresh: directory === "dev" && isFresh(progress, name),
    // Anyone may make a FIFO.
    bind: !fifo && mustBind(input),
  };
}
