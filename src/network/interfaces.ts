/** Network interfaces and their addresses, one request each. rtnetlink(7). */

import { EINTR } from "../../native-bindings/errno.ts";
import { utf8 } from "../../native-bindings/libc.ts";
import type { Answer, Attribute } from "../../native-bindings/netlink.ts";
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  request,
} from "../../native-bindings/netlink.ts";
import { isErrno } from "../../native-bindings/system-error.ts";

/** struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change u32. */
const LINK_BYTES = 16;
/** struct ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32. */
const ADDRESS_BYTES = 8;

const IFLA_IFNAME = 3;
const IFLA_NET_NS_FD = 28;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;
const IFF_UP = 1;

export interface Interface {
  readonly index: number;
  readonly up: boolean;
}

/** An address as the kernel told it, to be told to it again. */
export interface Address {
  readonly family: number;
  readonly prefixLength: number;
  readonly attributes: readonly Attribute[];
}

function link(index: number, flags = 0, change = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(LINK_BYTES));
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return new Uint8Array(view.buffer);
}

function nameAttribute(name: string): Attribute {
  return { type: IFLA_IFNAME, value: utf8(`${name}\0`) };
}

/** @throws SystemError ENODEV when there is none of that name in the socket's namespace. */
export function findInterface(socket: number, name: string): Interface {
  const shown = `RTM_GETLINK, ${JSON.stringify(name)}`;
  const attributes = [nameAttribute(name)];
  const [found] = request(socket, {
    type: RTM_GETLINK,
    flags: NLM_F_ACK,
    fixed: link(0),
    attributes,
    fixedBytes: LINK_BYTES,
    shown,
  });
  return { index: found!.fixed.getInt32(4, true), up: (found!.fixed.getUint32(8, true) & IFF_UP) !== 0 };
}

/** Takes an interface up or down. @throws SystemError */
export function setUp(socket: number, index: number, up: boolean): void {
  request(socket, {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK,
    fixed: link(index, up ? IFF_UP : 0, IFF_UP),
    attributes: [],
    fixedBytes: LINK_BYTES,
    shown: `RTM_NEWLINK, interface ${index} ${up ? "up" : "down"}`,
  });
}

/** Moves an interface, and names it, in one operation: no name that another one has there is in the way. @throws SystemError */
export function moveInterface(socket: number, index: number, name: string, namespace: number): void {
  const descriptor = new Uint8Array(new Int32Array([namespace]).buffer);
  request(socket, {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK,
    fixed: link(index),
    attributes: [nameAttribute(name), { type: IFLA_NET_NS_FD, value: descriptor }],
    fixedBytes: LINK_BYTES,
    shown: `RTM_NEWLINK, interface ${index} to another namespace as ${JSON.stringify(name)}`,
  });
}

/**
 * The addresses of an interface that mean the same in another namespace: permanent ones, given by an administrator, of global
 * scope. The others belong to where they were learnt.
 */
export function lastingAddresses(socket: number, index: number): Address[] {
  const kept: Address[] = [];
  for (const { fixed, attributes } of dumpAddresses(socket)) {
    if (fixed.getUint32(4, true) !== index) continue;
    if ((fixed.getUint8(2) & IFA_F_PERMANENT) === 0 || fixed.getUint8(3) !== RT_SCOPE_UNIVERSE) continue;
    const own = attributes.filter(({ type }) => type === IFA_ADDRESS || type === IFA_LOCAL || type === IFA_BROADCAST);
    kept.push({ family: fixed.getUint8(0), prefixLength: fixed.getUint8(1), attributes: own });
  }
  return kept;
}

/** A dump that something else changes meanwhile is made again, but not for ever. */
function dumpAddresses(socket: number): Answer[] {
  const asked = {
    type: RTM_GETADDR,
    flags: NLM_F_DUMP,
    fixed: new Uint8Array(ADDRESS_BYTES),
    attributes: [],
    fixedBytes: ADDRESS_BYTES,
    shown: "RTM_GETADDR",
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return request(socket, asked);
    } catch (error) {
      if (!isErrno(error, EINTR) || attempt === 10) throw error;
    }
  }
}

/** @throws SystemError */
export function addAddress(socket: number, index: number, address: Address): void {
  const view = new DataView(new ArrayBuffer(ADDRESS_BYTES));
  view.setUint8(0, address.family);
  view.setUint8(1, address.prefixLength);
  view.setUint32(4, index, true);
  request(socket, {
    type: RTM_NEWADDR,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    fixed: new Uint8Array(view.buffer),
    attributes: address.attributes,
    fixedBytes: ADDRESS_BYTES,
    shown: `RTM_NEWADDR, interface ${index}`,
  });
}
