import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const randomization = "/proc/sys/kernel/randomize_va_space";

/**
 * Gives an executable the snapshot of this machine: the one that it has may be of another processor.
 *
 * Where addresses are the same in all processes (the tests' virtual machine), the snapshot's stack would be where every process has its own:
 * so they are not while it is taken.
 *
 * @throws Error with what the tool says, if it fails.
 */
export function giveOwnSnapshot(executable: string): void {
  const fixed = readFileSync(randomization, "utf8").trim() === "0";
  if (fixed) writeFileSync(randomization, "2");
  try {
    const tool = join(import.meta.dir, "../../scripts/snapshot/main.ts");
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, tool, executable], { stdout: "ignore" });
    if (exitCode !== 0) throw new Error(`no snapshot could be taken: ${stderr}`);
  } finally {
    if (fixed) writeFileSync(randomization, "0");
  }
}
