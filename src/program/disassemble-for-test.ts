import { test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Mnemonics and operands as objdump prints them, one instruction an element. */
export function disassemble(code: Uint8Array, machine: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), "runts-walker-"));
  try {
    const file = join(directory, "code");
    writeFileSync(file, code);
    const run = Bun.spawnSync(["objdump", "-D", "-b", "binary", "-m", machine, "--no-show-raw-insn", file]);
    if (run.exitCode !== 0) throw new Error(run.stderr.toString());
    const lines = run.stdout.toString().split("\n");
    return lines.filter((line) => /^ +[0-9a-f]+:/.test(line)).map(instruction);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Without the address, the comment and the padding. */
function instruction(line: string): string {
  return line
    .replace(/^ +[0-9a-f]+:\s*/, "")
    .replace(/\s*\/\/.*/, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Why the disassembly is skipped, or undefined. */
function missing(machine: string): string | undefined {
  if (Bun.which("objdump") === null) return "objdump is not installed";
  const known = Bun.spawnSync(["objdump", "-i"]).stdout.toString();
  return known.includes(machine) ? undefined : `objdump does not know ${machine}: install binutils-multiarch`;
}

/** A test that is skipped, with the reason, where the machine's code cannot be disassembled. */
export function disassemblyTest(name: string, machine: string, body: () => void): void {
  const reason = missing(machine.split(":")[0]!);
  test.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (skipped: ${reason})`, body);
}
