/**
 * Gives the executable its snapshot. Run by scripts/build.mjs: bun scripts/snapshot/main.ts EXECUTABLE
 *
 * Without one it is the same program, and starts slower.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STUB_ADDRESS } from "../entry/layout.ts";
import { PT_LOAD, programHeaders } from "../entry/program-headers.ts";
import { withoutSnapshot, withSnapshot } from "./add.ts";
import { engineFileOf } from "./cargo.ts";
import { endRehearsal, prepareRehearsal } from "./rehearsal.ts";
import { takeSnapshot } from "./take.ts";

const HEAD_BYTES = 4096;

async function main(path: string): Promise<void> {
  if (process.arch !== "x64") {
    console.log(`snapshot: none on ${process.arch}: the executable starts the engine`);
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), "runts-snapshot-"));
  try {
    const base = withoutSnapshot(new Uint8Array(readFileSync(path)));
    const headers = programHeaders(base.subarray(0, HEAD_BYTES));
    const waits = join(scratch, "waits");
    writeFileSync(waits, wanting(base, headers));
    chmodSync(waits, 0o755);
    const commandLines = prepareRehearsal(path, scratch);
    // Its memory has all that it was given.
    const command = [...oldLayout(), waits, commandLines];
    const child = Bun.spawn(command, { cwd: "/", env: {}, stdio: ["ignore", "ignore", "ignore"] });
    try {
      const snapshot = await takeSnapshot(child.pid, waits, engineFileOf(base, headers));
      // Beside it first: it may be running.
      const beside = `${path}.snapshot`;
      writeFileSync(beside, withSnapshot(base, snapshot), { mode: 0o755 });
      renameSync(beside, path);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
      endRehearsal(path, scratch);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * Has the kernel map memory from the bottom up, as it once did: today's kernels map from the top down, and some processes would find
 * their vdso where the snapshot's memory has to be. personality(2), ADDR_COMPAT_LAYOUT; it may be forbidden, as in a container.
 */
function oldLayout(): string[] {
  const setarch = Bun.which("setarch");
  if (setarch === null) return [];
  const command = [setarch, "--addr-compat-layout"];
  return Bun.spawnSync([...command, "true"]).exitCode === 0 ? command : [];
}

/** The executable, told by the word at the stub's beginning to wait for its snapshot. */
function wanting(base: Uint8Array, headers: ReturnType<typeof programHeaders>): Uint8Array {
  const stub = headers.find(({ type, address }) => type === PT_LOAD && address === STUB_ADDRESS);
  if (stub === undefined) throw new Error("the executable has no entry stub");
  const changed = new Uint8Array(base);
  changed[stub.offset] = 1;
  return changed;
}

await main(process.argv[2]!);
