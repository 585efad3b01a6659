/** linux.netDevices: interfaces of the runtime's network namespace become the container's. config-linux.md, "Network Devices". */
import { EEXIST } from "../../native-bindings/errno.ts";
import { close, O_RDONLY, open } from "../../native-bindings/files.ts";
import { openRouteSocket } from "../../native-bindings/netlink.ts";
import { inNetworkNamespace } from "../../native-bindings/network-namespace.ts";
import { isErrno } from "../../native-bindings/system-error.ts";
import { asFault } from "../report/fault.ts";
import {
  type Address,
  addAddress,
  findInterface,
  type Interface,
  lastingAddresses,
  moveInterface,
  setUp,
} from "./interfaces.ts";

/** By the name that a device has here: the one that it is to have there. */
export type NetDevices = Readonly<Record<string, { readonly name?: string }>>;

interface Device {
  readonly name: string;
  readonly newName: string;
  readonly before: Interface;
  readonly addresses: readonly Address[];
  moved: boolean;
}

/** Devices under way: what is needed to bring them back. Its descriptors keep the container's namespace alive. */
export interface DeviceMove {
  /** Sockets in the two namespaces. */
  readonly here: number;
  readonly there: number;
  readonly namespaceHere: number;
  readonly namespaceThere: number;
  readonly devices: Device[];
}

/** @throws RuntimeFault with the field of the first device that is not there. */
export function checkNetDevices(devices: NetDevices): void {
  const socket = openRouteSocket();
  try {
    for (const name in devices) {
      try {
        findInterface(socket, name);
      } catch (error) {
        throw asFault(error, `link not found for interface ${name} on runtime namespace`, pointer(name));
      }
    }
  } finally {
    close(socket);
  }
}

function pointer(name: string): string {
  return `/linux/netDevices/${name.replaceAll("~", "~0")}`;
}

/** Opens both namespaces; nothing has moved yet. @param pid a process in the container's network namespace. */
export function openDeviceMove(pid: number): DeviceMove {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    const namespaceHere = keep(open("/proc/thread-self/ns/net", O_RDONLY));
    const namespaceThere = keep(open(`/proc/${pid}/ns/net`, O_RDONLY));
    const here = keep(openRouteSocket());
    const there = keep(inNetworkNamespace(namespaceThere, openRouteSocket));
    return { here, there, namespaceHere, namespaceThere, devices: [] };
  } catch (error) {
    for (const fd of opened) close(fd);
    throw asFault(error, "unable to reach the container's network namespace", "/linux/netDevices");
  }
}

/**
 * Moves each device: down, moved and renamed at once, its lasting addresses given to it again, up. MTU, hardware address and
 * the like go with it.
 *
 * @throws RuntimeFault with the device's field; `move` says then what there is to bring back.
 */
export function moveDevices(move: DeviceMove, devices: NetDevices): void {
  for (const name in devices) {
    try {
      moveDevice(move, name, devices[name]!.name || name);
    } catch (error) {
      throw asFault(error, `unable to move network device ${name} into the container`, pointer(name));
    }
  }
}

function moveDevice(move: DeviceMove, name: string, newName: string): void {
  const { here, there, namespaceThere, devices } = move;
  const before = findInterface(here, name);
  const device: Device = { name, newName, before, addresses: lastingAddresses(here, before.index), moved: false };
  devices.push(device);
  // The kernel renames no device that is up.
  setUp(here, before.index, false);
  moveInterface(here, before.index, newName, namespaceThere);
  device.moved = true;
  // The index may be another one there.
  const { index } = findInterface(there, newName);
  for (const address of device.addresses) addAddress(there, index, address);
  setUp(there, index, true);
}

/** Gives everything back that the move held. */
export function closeDeviceMove({ here, there, namespaceHere, namespaceThere }: DeviceMove): void {
  for (const fd of [here, there, namespaceHere, namespaceThere]) close(fd);
}

/**
 * The container came to nothing: its devices are what and where they were, the last moved first. Without it the kernel would
 * bring physical ones back, nameless, and destroy the others.
 *
 * @returns what could not be brought back, a sentence each.
 */
export function bringDevicesBack(move: DeviceMove): string[] {
  const { here, there, namespaceHere, devices } = move;
  const failures: string[] = [];
  for (const { name, newName, before, addresses, moved } of [...devices].reverse()) {
    try {
      if (moved) {
        const { index } = findInterface(there, newName);
        setUp(there, index, false);
        moveInterface(there, index, name, namespaceHere);
      }
      const { index } = findInterface(here, name);
      for (const address of addresses) addMissingAddress(here, index, address);
      if (before.up) setUp(here, index, true);
    } catch (error) {
      failures.push(
        asFault(error, `unable to bring network device ${name} back from the container`, pointer(name)).message,
      );
    }
  }
  return failures;
}

/** What was only taken down has kept some of its addresses. */
function addMissingAddress(socket: number, index: number, address: Address): void {
  try {
    addAddress(socket, index, address);
  } catch (error) {
    if (!isErrno(error, EEXIST)) throw error;
  }
}
