import { readFileSync } from "node:fs";

/** pause(2), in which a process waits for whoever looks at it (native-bindings/snapshot-mode.ts). */
const PAUSE = "34";
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 5;

/**
 * Waits until a process waits.
 *
 * @throws Error when it ends, or does not wait for half a minute.
 * @see proc_pid_syscall(5): the call's number, six arguments, stack pointer and instruction
 */
export async function waiting(pid: number): Promise<{ stackPointer: number; instruction: number }> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const words = readFileSync(`/proc/${pid}/syscall`, "utf8").trim().split(" ");
    if (words[0] === PAUSE) return { stackPointer: Number(words[7]), instruction: Number(words[8]) };
    await Bun.sleep(LOOK_AGAIN_MS);
  }
  throw new Error(`the process does not wait for its snapshot after ${PATIENCE_MS / 1000} s`);
}
