import { type Label, load } from "../../program/builder.ts";
import { ERROR_ADDRESS, KERNEL_TEXT_BYTES, MESSAGE_BYTES, Message } from "../../program/layout.ts";
import { sharedSlot } from "../shared-values.ts";
import type { Compilation } from "../step.ts";

const NAME = "kernel_text";
/** As every program ends that failed before its container was ready. */
const EXIT_FAILED = 99;

/**
 * Where a refused option of a file system leads: what the kernel has to say about it is read from the context's descriptor
 * ("e tmpfs: Unknown parameter 'sizzle'") and sent before the failure. Source: fsopen(2), "Retrieving messages".
 *
 * Written down once in a program, when it is first asked for; a jump leads around it.
 */
export function kernelTextLabel(c: Compilation): Label {
  const known = c.shared.get(NAME);
  if (known !== undefined) return known;
  const { p } = c;
  const label = p.label();
  c.shared.set(NAME, label);
  const around = p.label();
  const text = p.space(KERNEL_TEXT_BYTES);
  p.setWord(text, Message.KernelText);
  // A copy, because a read that finds nothing would overwrite the error.
  const failed = p.dataWords([Message.Failed, 0, 0]);
  const untold = p.label();
  p.jump(around);
  p.place(label);
  p.xor(load(ERROR_ADDRESS), 0).save(failed + 4);
  p.xor(load(ERROR_ADDRESS + 4), 0)
    .save(failed + 8)
    .ignoreError();
  p.call(p.nr.read, load(sharedSlot(c, "fs")), text + 4, KERNEL_TEXT_BYTES - 4).onError(untold);
  p.call(p.nr.write, c.sync, text, KERNEL_TEXT_BYTES).ignoreError();
  p.place(untold);
  p.call(p.nr.write, c.sync, failed, MESSAGE_BYTES).ignoreError();
  p.call(p.nr.exit_group, EXIT_FAILED);
  p.place(around);
  return label;
}
