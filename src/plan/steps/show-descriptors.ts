import { load, type Slot } from "../../program/builder.ts";
import type { Compilation } from "../step.ts";

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** struct cmsghdr without its data. */
const HEADER_BYTES = 16;

/**
 * Sends a message of three words to the runtime, with one or two descriptors, and waits until it has done what is asked for. unix(7),
 * SCM_RIGHTS.
 */
export function emitShow(c: Compilation, words: readonly number[], descriptors: readonly Slot[]): void {
  const { p } = c;
  const message = p.constantWords(words);
  // The descriptors' numbers are copied in.
  const control = p.dataWords([HEADER_BYTES + 4 * descriptors.length, 0, SOL_SOCKET, SCM_RIGHTS, 0, 0]);
  const vector = p.constantWords([message, 0, 12, 0]);
  const header = p.constantWords([0, 0, 0, 0, vector, 0, 1, 0, control, 0, HEADER_BYTES + 8, 0, 0, 0]);
  for (let i = 0; i < descriptors.length; i++) p.xor(load(descriptors[i]!), 0).save(control + HEADER_BYTES + 4 * i);
  p.call(p.nr.sendmsg, c.sync, header, 0);
  p.call(p.nr.read, c.sync, p.space(1, 1), 1).onZero(c.orphaned);
}
