import { afterAll, beforeAll, describe, expect } from "bun:test";
import { closeSync, copyFileSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { environSlot } from "../../scripts/entry/environ-slot.ts";
import { programHeaders } from "../../scripts/entry/program-headers.ts";
import { withoutSnapshot } from "../../scripts/snapshot/add.ts";
import { RESUME_ADDRESS } from "../../scripts/snapshot/cargo.ts";
import { discardX8664 } from "../../scripts/snapshot/discard-x86-64.ts";
import { ProcessMemory, startedEngine } from "../../scripts/snapshot/memory.ts";
import { giveOwnSnapshot } from "../machine/own-snapshot.ts";
import { containers, succeeded, until } from "./harness.ts";
import { call, callBeside, patience, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, env, root } = containers("snapshot");

const cold = { RUNTS_START: "cold" };
/** With a snapshot of this machine: the one under test may be another machine's. */
const own = join(base, "runts");

let count = 0;
const scratch = () => join(base, `snapshot-call-${++count}`);
const ask = (args: readonly string[], more: Record<string, string> = {}) =>
  call([own, "--root", root, ...args], scratch(), { env: { ...env, ...more }, limitMs: 30_000 });

/** Whether the dynamic linker has loaded the C library into a process of it, that is, whether the engine has started. */
async function startsEngine(more: Record<string, string> = {}): Promise<boolean> {
  const of = bundle("sleep 1000");
  const child = callBeside([own, "--root", root, "run", "--bundle", of.dir, of.id], scratch(), { ...env, ...more });
  await until("the container to run", () => ask(["state", of.id]).stdout.includes('"running"'));
  const started = startedEngine(child.pid);
  ask(["delete", "--force", of.id]);
  await child.ended;
  return started;
}

function slotOfEnviron(): number {
  const fd = openSync(own, "r");
  const head = withoutSnapshot(readFileSync(own)).slice(0, 4096);
  const slot = environSlot(fd, head);
  closeSync(fd);
  return slot;
}

/** Changes the file while `look` looks. */
async function changed(offset: number, bytes: Uint8Array, look: () => Promise<void>): Promise<void> {
  const before = new Uint8Array(bytes.length);
  const put = (content: Uint8Array) => {
    const fd = openSync(own, "r+");
    readSync(fd, before, 0, before.length, offset);
    const previous = before.slice();
    writeSync(fd, content, 0, content.length, offset);
    closeSync(fd);
    return previous;
  };
  const previous = put(bytes);
  try {
    await look();
  } finally {
    put(previous);
  }
}

/** The instructions that go on, with what is in front of them: where in the file, and their bytes. */
function resumption(): { offset: number; bytes: Buffer } {
  const file = readFileSync(own);
  const at = Number(file.readBigUInt64LE(32));
  const head = Buffer.concat([file.subarray(0, 64), file.subarray(at)]);
  head.writeBigUInt64LE(64n, 32);
  const segment = programHeaders(head).find(({ address }) => address === RESUME_ADDRESS)!;
  return { offset: segment.offset, bytes: file.subarray(segment.offset, segment.offset + segment.fileBytes) };
}

describe.skipIf(process.arch !== "x64")("a snapshot taken on this machine", () => {
  beforeAll(() => {
    copyFileSync(runtimePath, own);
    giveOwnSnapshot(own);
  }, patience * 60_000);
  afterAll(() => rmSync(own));

  needs("engine environment")("is gone on from, unless that is not wanted", async () => {
    expect(await startsEngine()).toBeFalse();
    expect(await startsEngine(cold)).toBeTrue();
  });

  needs("engine environment")("is not gone on from by another processor", async () => {
    const { offset, bytes } = resumption();
    // cpuid; cmp ecx, ...
    const at = bytes.indexOf(Buffer.from([0x0f, 0xa2, 0x81, 0xf9])) + 4;
    const other = new Uint8Array([bytes[at]! ^ 1]);
    await changed(offset + at, other, async () => expect(await startsEngine()).toBeTrue());
    expect(await startsEngine()).toBeFalse();
  });

  needs("engine environment")("is not gone on from with another C library", async () => {
    const { offset, bytes } = resumption();
    // mov rax, time; cmp [rsp+88], rax
    const at = bytes.indexOf(Buffer.from([0x48, 0x39, 0x44, 0x24, 88])) - 8;
    const other = new Uint8Array([bytes[at]! ^ 1]);
    await changed(offset + at, other, async () => expect(await startsEngine()).toBeTrue());
  });

  needs("engine environment")("is not gone on from where something else is in its place", async () => {
    const { offset } = resumption();
    // The table of memory to map is behind the function that comes first.
    const table = Math.ceil(discardX8664(0).length / 16) * 16;
    const taken = new Uint8Array(new BigUint64Array([BigInt(RESUME_ADDRESS)]).buffer);
    await changed(offset + table, taken, async () => expect(await startsEngine()).toBeTrue());
  });

  const asked: string[][] = [
    ["--version"],
    ["--help"],
    ["state", "--help"],
    ["features"],
    ["state", "none"],
    ["delete", "--force", "none"],
    ["list"],
    ["run"],
    ["banana"],
  ];
  for (const args of asked) {
    needs("engine environment")(`answers ${args.join(" ")} as the engine does that has just started`, () => {
      const timeless = (text: string) => text.replace(/time="[^"]*"/, "");
      const [warm, fresh] = [ask(args), ask(args, cold)];
      expect({ ...warm, stderr: timeless(warm.stderr) }).toEqual({ ...fresh, stderr: timeless(fresh.stderr) });
    });
  }

  needs("engine environment")("has the caller's own environment, not the one that it was taken in", () => {
    const seen = join(base, "seen");
    const of = bundle("true", (config) => {
      config.hooks = { poststart: [{ path: "/bin/sh", args: ["sh", "-c", `env >${seen}`] }] };
    });
    succeeded(ask(["run", "--bundle", of.dir, of.id], { BUN_X: "caller's", EMPTY: "" }));
    const words = readFileSync(seen, "utf8").split("\n");
    expect(words).toContain("BUN_X=caller's");
    expect(words).toContain("EMPTY=");
    expect(words.filter((word) => /^(BUN_JSC|PWD=\/$)/.test(word))).toEqual([]);
  });

  // The engine's collector runs, gives memory back and takes it again: it has to be empty then, wherever it came from.
  needs("engine environment")("outlives its memory being collected and had again", () => {
    const of = bundle("true", (config) => {
      config.annotations = {};
      for (let i = 0; i < 40_000; i++) config.annotations[`k.${i}`] = "v".repeat(1 + (i % 200));
      for (let i = 0; i < 100; i++) {
        config.mounts.push({ destination: `/m${i}`, type: "tmpfs", source: "tmpfs", options: ["nosuid", `size=${i}`] });
      }
      config.process.env = Array.from({ length: 2000 }, (_, i) => `V${i}=${"y".repeat(20)}`);
    });
    for (const command of [["validate"], ["explain", "--format", "json"]]) {
      const [warm, fresh] = [ask([...command, of.dir]), ask([...command, of.dir], cold)];
      expect(warm.hung).toBeFalse();
      expect(warm).toEqual(fresh);
      expect(warm.code).toBe(0);
    }
  });

  needs("engine environment")(
    "has no memory that is both writable and executable, no thread but its own, and its own environ",
    async () => {
      const of = bundle("sleep 1000");
      const child = callBeside([own, "--root", root, "run", "--bundle", of.dir, of.id], scratch(), env);
      await until("the container to run", () => ask(["state", of.id]).stdout.includes('"running"'));
      const maps = readFileSync(`/proc/${child.pid}/maps`, "utf8");
      expect(maps.split("\n").filter((line) => /^\S+ .wx/.test(line))).toEqual([]);
      expect(readFileSync(`/proc/${child.pid}/status`, "utf8")).toContain("Threads:\t1\n");
      // The C library's getenv(3) looks where the kernel has put this process's environment.
      const memory = new ProcessMemory(child.pid);
      const environ = memory.readNumber(memory.readNumber(slotOfEnviron()));
      const stack = memory.mappings.findLast(({ name, start }) => name === "[stack]" && start <= environ);
      memory.close();
      expect(environ).toBeLessThan(stack?.end ?? 0);
      ask(["delete", "--force", of.id]);
      await child.ended;
    },
  );
});
