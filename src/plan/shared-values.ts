/**
 * Addresses that several steps of one program share: saved descriptors by name, and constant structures that are stored once.
 */
import type { ProgramBuilder, Slot } from "../program/builder.ts";
import type { Compilation } from "./step.ts";

/** The saved descriptor of that name, for the step that sets it and for those that use it. */
export function sharedSlot(c: Compilation, name: string): Slot {
  const known = c.shared.get(name);
  if (known !== undefined) return known;
  const slot = c.p.slot(name);
  c.shared.set(name, slot);
  return slot;
}

/** A buffer for results that are used by the next operations only. */
export function sharedSpace(c: Compilation, name: string, bytes: number): number {
  const known = c.shared.get(name);
  if (known !== undefined) return known;
  const address = c.p.space(bytes);
  c.p.slotNames.set(address, name);
  c.shared.set(name, address);
  return address;
}

export const OPEN_HOW_BYTES = 24;

/** Address of a struct open_how: flags, mode 0, resolve. openat2(2). */
export function openHow(c: Compilation, flags: number, resolve: number): number {
  const name = `open_how ${flags} ${resolve}`;
  const known = c.shared.get(name);
  if (known !== undefined) return known;
  const address = c.p.constantWords([flags, 0, 0, 0, resolve, 0]);
  c.shared.set(name, address);
  return address;
}

export const MOUNT_ATTR_BYTES = 32;

/** Address of a struct mount_attr: attr_set, attr_clr, propagation, userns_fd. mount_setattr(2). */
export function mountAttr(c: Compilation, set: number, clear: number, propagation = 0): number {
  const name = `mount_attr ${set} ${clear} ${propagation}`;
  const known = c.shared.get(name);
  if (known !== undefined) return known;
  const address = c.p.constantWords([set, 0, clear, 0, propagation, 0, 0, 0]);
  c.shared.set(name, address);
  return address;
}

/** The empty string, by which the *at calls mean the descriptor itself. */
export function emptyPath(p: ProgramBuilder): number {
  return p.string("");
}
