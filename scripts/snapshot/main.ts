/**
 * Gives the executable its snapshot. Run by scripts/build.mjs: bun scripts/snapshot/main.ts EXECUTABLE
 *
 * Without one it is the same program, and starts slower.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TO_BE_LOOKED_AT, TO_BE_TAKEN } from "../../native-bindings/snapshot-mode.ts";
import { environSlot } from "../entry/environ-slot.ts";
import { STUB_ADDRESS } from "../entry/layout.ts";
import { PT_LOAD, programHeaders } from "../entry/program-headers.ts";
import { withoutSnapshot, withSnapshot } from "./add.ts";
import { engineFileOf } from "./cargo.ts";
import { thisProcessor } from "./processor.ts";
import { type CommandLines, endRehearsal, noCommandLines, prepareRehearsal } from "./rehearsal.ts";
import { type Snapshot, takeSnapshot } from "./take.ts";
import { touchedBy } from "./touched.ts";

const HEAD_BYTES = 4096;
const nothing = { make: [], exec: [], tend: [] };

async function main(path: string): Promise<void> {
  if (process.arch !== "x64") {
    console.log(`snapshot: none on ${process.arch}: the executable starts the engine`);
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), "runts-snapshot-"));
  try {
    const base = withoutSnapshot(new Uint8Array(readFileSync(path)));
    const commandLines = prepareRehearsal(path, scratch);
    const file = await made(base, commandLines, scratch)
      // Where memory is short, the collector may have started threads.
      .catch((error) => {
        console.log(`snapshot: taken without a rehearsal: ${error instanceof Error ? error.message : error}`);
        return made(base, noCommandLines(scratch), scratch);
      })
      .finally(() => endRehearsal(path, scratch));
    // Beside it first: it may be running.
    const beside = `${path}.snapshot`;
    writeFileSync(beside, file, { mode: 0o755 });
    renameSync(beside, path);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** @returns the executable with its snapshot. */
async function made(base: Uint8Array, commandLines: CommandLines, scratch: string): Promise<Uint8Array> {
  const engine = engineFileOf(base, programHeaders(base.subarray(0, HEAD_BYTES)));
  const processor = thisProcessor();
  const snapshot = await taken(inMode(base, TO_BE_TAKEN), commandLines, scratch);
  const looked = join(scratch, "looked-at");
  writeFileSync(looked, withSnapshot(inMode(base, TO_BE_LOOKED_AT), snapshot, nothing, engine, processor), {
    mode: 0o755,
  });
  const touched = await touchedBy(looked, snapshot.pieces, commandLines.lines);
  return withSnapshot(base, snapshot, touched, engine, processor);
}

async function taken(file: Uint8Array, commandLines: CommandLines, scratch: string): Promise<Snapshot> {
  const path = join(scratch, "taken");
  writeFileSync(path, file, { mode: 0o755 });
  // Its memory has all that it is given.
  const command = [...oldLayout(), path, commandLines.path];
  const child = Bun.spawn(command, { cwd: "/", env: {}, stdio: ["ignore", "ignore", "ignore"] });
  try {
    return await takeSnapshot(child.pid, path, environOf(path));
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

function environOf(path: string): number {
  const fd = openSync(path, "r");
  try {
    const head = new Uint8Array(HEAD_BYTES);
    readSync(fd, head, 0, HEAD_BYTES, 0);
    return environSlot(fd, head);
  } finally {
    closeSync(fd);
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

/** The executable with that word at the stub's beginning. */
function inMode(base: Uint8Array, mode: number): Uint8Array {
  const headers = programHeaders(base.subarray(0, HEAD_BYTES));
  const stub = headers.find(({ type, address }) => type === PT_LOAD && address === STUB_ADDRESS);
  if (stub === undefined) throw new Error("the executable has no entry stub");
  const changed = new Uint8Array(base);
  changed[stub.offset] = mode;
  return changed;
}

await main(process.argv[2]!);
