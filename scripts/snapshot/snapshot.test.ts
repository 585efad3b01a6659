import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ffi } from "../../native-bindings/libc.ts";
import { disassemblyTest } from "../../src/program/disassemble-for-test.ts";
import { PF_R, PF_W, PF_X, programHeaders } from "../entry/program-headers.ts";
import { Code } from "../entry/x86-64-code.ts";
import { listed } from "../listed-for-test.ts";
import { withoutSnapshot, withSnapshot } from "./add.ts";
import { packCargo, RESUME_ADDRESS } from "./cargo.ts";
import { discardX8664, jumpX8664 } from "./discard-x86-64.ts";
import { executable, MOST_SEGMENTS } from "./executable.ts";
import { mappingsOf, PAGE, ProcessMemory } from "./memory.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { thisProcessor } from "./processor.ts";
import { resumeX8664 } from "./resume-x86-64.ts";
import { LoadedObject } from "./symbols.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-snapshot-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

const golden = (name: string) => join(import.meta.dir, "golden", `${name}.txt`);
const onX64 = test.skipIf(process.arch !== "x64");

const standing = {
  stackPointer: 0x7ffc12345678,
  instruction: 0x2aaaaabb0123,
  thread: 0x2aaaaacc0740,
  threadId: 0x2aaaaacc0a10,
  environ: 0x2aaaaadd0320,
  errnoLocation: 0x2aaaaaee0000,
};
const processor = {
  leaf1Ecx: 0x77fafbff,
  leaf1Edx: 0x1f8bfbff,
  leaf7Ebx: 0xf1bf07ab,
  leaf7Ecx: 0x1b415f5e,
  states: 0xe7,
};
const zero: Piece = {
  start: 0x100000000,
  end: 0x140000000,
  flags: PF_R | PF_W,
  content: { kind: "zero", withoutHugePages: true },
};
const brought: Piece = {
  start: 0x200000000,
  end: 0x200001000,
  flags: PF_R,
  content: { kind: "bytes", bytes: new Uint8Array(PAGE).fill(7) },
};
const stack = { address: 0x7ffc12345600, bytes: new Uint8Array(256) };
const library = { path: "/lib/libc.so.6", size: 1926232, changed: 1700000000 };
const touched = { make: [[0x200000000, 0x200001000]], exec: [], tend: [] } as const;
const engine = { headers: [], interpreter: "/lib64/ld-linux-x86-64.so.2", headersAddress: 0x200040, entry: 0x40000520 };

describe("reads back as the instructions that were meant:", () => {
  disassemblyTest("what goes on from the snapshot, or starts the engine", "i386:x86-64", () => {
    const { cargo } = packCargo([zero, brought], touched, engine, library, stack, discardX8664(standing.errnoLocation));
    listed(golden("resume-x86-64"), "i386:x86-64", resumeX8664(cargo, processor, standing));
  });
  disassemblyTest("what madvise goes to", "i386:x86-64", () => {
    listed(golden("discard-x86-64"), "i386:x86-64", discardX8664(standing.errnoLocation));
    listed(golden("jump-x86-64"), "i386:x86-64", jumpX8664(RESUME_ADDRESS));
  });
});

test("mappings are read with their names, and with whether huge pages are unwanted", () => {
  const smaps = `00400000-00401000 r-xp 00001000 fe:00 12                                 /bin/a name
Size:                  4 kB
VmFlags: rd ex mr mw me
7f5500000000-7f5600000000 rw-p 00000000 00:00 0
Size:            4194304 kB
VmFlags: rd wr mr mw me nr nh
`;
  expect(mappingsOf(smaps)).toEqual([
    {
      ...{ start: 0x400000, end: 0x401000, readable: true, writable: false, executable: true },
      ...{ offset: 0x1000, name: "/bin/a name", withoutHugePages: false },
    },
    {
      ...{ start: 0x7f5500000000, end: 0x7f5600000000, readable: true, writable: true, executable: false },
      ...{ offset: 0, name: "", withoutHugePages: true },
    },
  ]);
});

onX64("a symbol is found where the dynamic linker finds it, and one that is not there is refused", () => {
  const memory = new ProcessMemory(process.pid);
  const libc = memory.mappings.find(({ name, offset }) => /\/libc\.so\.6$/.test(name) && offset === 0)!;
  const object = new LoadedObject(memory, libc.start);
  const { symbols } = ffi.dlopen("libc.so.6", { dlsym: { args: ["ptr", "ptr"], returns: "ptr" } });
  for (const name of ["__errno_location", "madvise", "getpid"]) {
    expect(object.address(name)).toBe(symbols.dlsym!(0, ffi.ptr(Buffer.from(`${name}\0`))));
  }
  expect(() => object.address("no_such_function")).toThrow("no symbol no_such_function");
  const vdso = memory.mappings.find(({ name }) => name === "[vdso]")!;
  expect(new LoadedObject(memory, vdso.start).address("__vdso_clock_gettime")).toBeGreaterThan(vdso.start);
  memory.close();
});

onX64("what a process has of its own is brought, and no pieces overlap", async () => {
  const path = realpathSync(Bun.which("sleep")!);
  const child = Bun.spawn([path, "60"]);
  await Bun.sleep(50);
  const memory = new ProcessMemory(child.pid);
  const pieces = piecesOf(memory, path, 4);
  for (const [i, piece] of pieces.entries()) {
    expect(piece.end).toBeGreaterThan(piece.start);
    if (i > 0) expect(piece.start).toBeGreaterThanOrEqual(pieces[i - 1]!.end);
    if (piece.content.kind === "bytes") expect(piece.content.bytes.length).toBe(piece.end - piece.start);
  }
  const kinds = new Set(pieces.map(({ content }) => content.kind));
  expect(kinds).toContain("bytes");
  expect(kinds).toContain("executable");
  const libc = memory.mappings.filter(({ name }) => /\/libc\.so\.6$/.test(name));
  expect(libc.length).toBeGreaterThan(2);
  for (const { start } of libc) {
    expect(pieces.find((piece) => piece.start <= start && start < piece.end)?.content.kind).toBe("bytes");
  }
  expect(piecesOf(memory, path, 1024).length).toBeLessThanOrEqual(pieces.length);
  memory.close();
  child.kill();
});

onX64("an executable of segments is one that runs, and more segments than the kernel loads are refused", () => {
  const code = new Code();
  code.emit(0x0f, 0xb6, 0x3c, 0x25);
  code.word(0x500000); // movzx edi, byte [0x500000]
  code.call(60); // exit
  const path = join(directory, "segments");
  const segments = [
    { address: 0x500000, flags: PF_R, bytes: new Uint8Array([42]) },
    { address: 0x400000, flags: PF_R | PF_X, bytes: new Uint8Array(code.bytes) },
  ];
  writeFileSync(path, executable(new Uint8Array(0), 0x400000, segments), { mode: 0o755 });
  expect(Bun.spawnSync([path]).exitCode).toBe(42);
  const many = Array.from({ length: MOST_SEGMENTS + 1 }, (_, i) => ({ ...segments[0]!, address: 0x500000 + i * PAGE }));
  expect(() => executable(new Uint8Array(0), 0, many)).toThrow("more than the kernel loads");
});

onX64("the processor tells what it can do, the same each time", () => {
  const told = thisProcessor();
  expect(told).toEqual(thisProcessor());
  const flags = readFileSync("/proc/cpuinfo", "utf8");
  // SDM volume 2, CPUID: bit 28 of the first leaf's ecx is AVX, bit 5 of the seventh's ebx AVX2.
  expect((told.leaf1Ecx >>> 28) & 1).toBe(/^flags.*\bavx\b/m.test(flags) ? 1 : 0);
  expect((told.leaf7Ebx >>> 5) & 1).toBe(/^flags.*\bavx2\b/m.test(flags) ? 1 : 0);
});

test("a snapshot is added, and taken away again", () => {
  const base = executable(new Uint8Array(0), 0x400000, [{ address: 0x400000, flags: PF_R, bytes: new Uint8Array(9) }]);
  const snapshot = { pieces: [zero, brought], library, stack, standing };
  const file = withSnapshot(base, snapshot, touched, engine, processor);
  const addresses = programHeaders(file.subarray(0)).filter(({ type }) => type === 1);
  expect(addresses.map(({ address }) => address)).toEqual([RESUME_ADDRESS, brought.start]);
  expect(Buffer.from(withoutSnapshot(file)).equals(base)).toBeTrue();
  expect(withoutSnapshot(base)).toBe(base);
});
