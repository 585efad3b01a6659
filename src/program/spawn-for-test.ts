import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Arch, hostArch } from "../../native-bindings/syscall-numbers.ts";
import type { ProgramBuilder } from "./builder.ts";
import { buildImage } from "./image.ts";
import { OPERATION_BYTES, OPERATIONS_ADDRESS } from "./layout.ts";

/** How a program ended, and what it wrote. */
export interface Ended {
  /** null: ended by a signal, or by the limit. */
  readonly exitCode: number | null;
  readonly stdout: Uint8Array;
}

/** Why programs of this architecture cannot be run here, or undefined. For tests. */
export function cannotRun(arch: Arch): string | undefined {
  if (arch === hostArch || Bun.which(`qemu-${arch}`) !== null) return undefined;
  return `qemu-${arch} is not installed (Debian: qemu-user)`;
}

/** Runs a program, through qemu-user where it is for another architecture, for at most five seconds. For tests. */
export function runProgram(program: ProgramBuilder): Ended {
  const directory = mkdtempSync(join(tmpdir(), "runts-program-"));
  try {
    const file = join(directory, "image");
    writeFileSync(file, buildImage(program), { mode: 0o755 });
    const command = program.arch === hostArch ? [file] : [`qemu-${program.arch}`, file];
    const run = Bun.spawnSync(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: 5000 });
    return { exitCode: run.exitCode, stdout: run.stdout };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The error message that a program's tail wrote: its tag, the index of the operation that failed, and the errno. */
export function failure(stdout: Uint8Array): { tag: number; operation: number; errno: number } {
  const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  const operation = (view.getUint32(4, true) - OPERATIONS_ADDRESS) / OPERATION_BYTES;
  return { tag: view.getInt32(0, true), operation, errno: -view.getInt32(8, true) };
}
