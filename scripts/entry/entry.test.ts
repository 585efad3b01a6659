import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disassemble, disassemblyTest } from "../../src/program/disassemble-for-test.ts";
import { engine, startedByStub } from "./engine-for-test.ts";
import { withStub } from "./install-stub.ts";
import { dropped, STUB_ADDRESS } from "./layout.ts";
import { stubAarch64 } from "./stub-aarch64.ts";
import { stubX8664 } from "./stub-x86-64.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-entry-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** What runs a machine's code here, beside the processor. */
const emulators = {
  x86_64: process.arch === "x64" ? [] : ["qemu-x86_64"],
  aarch64: process.arch === "arm64" ? [] : ["qemu-aarch64"],
};

/** What the engine finds: how many variables, and the record. */
function found(machine: keyof typeof emulators, env: Record<string, string>, prologue = "true") {
  const file = join(directory, machine);
  writeFileSync(file, startedByStub(machine), { mode: 0o755 });
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const shell = ["sh", "-c", `${prologue}; exec "$@"`, "sh"];
  const emulation = emulators[machine].map((program) => Bun.which(program)!);
  const run = Bun.spawnSync([...shell, "env", "-i", ...words, ...emulation, file]);
  const record = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.byteLength);
  return {
    variables: run.exitCode,
    directoryGone: record.getUint32(0, true),
    limitsKnown: record.getUint32(4, true),
    soft: record.getBigUint64(8, true),
    hard: record.getBigUint64(16, true),
  };
}

for (const machine of ["x86_64", "aarch64"] as const) {
  const lacking = emulators[machine].find((program) => Bun.which(program) === null);
  const skipped = lacking === undefined ? "" : ` (skipped: ${lacking} is not installed)`;

  describe.skipIf(lacking !== undefined)(`before the engine on ${machine}${skipped}`, () => {
    test("its variables are gone, wherever they stand, in lower and in upper case", () => {
      const hostile = {
        BUN_OPTIONS: "x",
        bun_be_bun: "1",
        MIMALLOC_VERBOSE: "1",
        NODE_OPTIONS: "",
        NODE_CHANNEL_FD: "3",
      };
      expect(found(machine, hostile).variables).toBe(0);
      expect(found(machine, { A: "", ...hostile, B: "1" }).variables).toBe(2);
    });

    test("other variables stay", () => {
      const names = ["A", "BUN", "BU", "BUNS_X", "NODE_ENV", "NODE_NAME", "MIMALLO", "XBUN_OPTIONS", "Z"];
      expect(found(machine, {}).variables).toBe(0);
      expect(found(machine, Object.fromEntries(names.map((name) => [name, ""]))).variables).toBe(names.length);
    });

    test("the limits of open files are noted down", () => {
      expect(found(machine, {}, "ulimit -Sn 77; ulimit -Hn 99")).toMatchObject({
        limitsKnown: 1,
        soft: 77n,
        hard: 99n,
      });
    });

    test("a working directory that was deleted is noted down, and only that", () => {
      const gone = join(directory, "gone");
      mkdirSync(gone);
      expect(found(machine, {}, `cd ${gone}`).directoryGone).toBe(0);
      expect(found(machine, {}, `cd ${gone}; rmdir ${gone}`).directoryGone).toBe(1);
    });
  });
}

/** The engine's own entry, of two halves that differ. */
const ENTRY = 0x1a40d00;

disassemblyTest("the stub for x86_64 reads back as the instructions that were meant", "i386:x86-64", () => {
  const drops = dropped.flatMap(({ shift, expected }) => [
    "mov %rcx,%r9",
    `shl $0x${shift.toString(16)},%r9`,
    `movabs $0x${expected.toString(16)},%r10`,
    "cmp %r10,%r9",
    "je 0x19",
  ]);
  // After the jump over "/".
  expect(disassemble(stubX8664(ENTRY).subarray(4), "i386:x86-64")).toEqual([
    "mov %rdx,%r15",
    "mov (%rsp),%rax",
    "lea 0x10(%rsp,%rax,8),%rsi",
    "mov %rsi,%rdi",
    "movabs $0x2020202020202020,%r8",
    "lods %ds:(%rsi),%rax",
    "test %rax,%rax",
    "je 0xe7",
    "mov (%rax),%rcx",
    "or %r8,%rcx",
    ...drops,
    "stos %rax,%es:(%rdi)",
    "jmp 0x19",
    "stos %rax,%es:(%rdi)",
    "cmp %rsi,%rdi",
    "jb 0xe7",
    "xor %edi,%edi",
    "mov $0x7,%esi",
    "xor %edx,%edx",
    "mov $0x40010008,%r10d",
    "mov $0x12e,%eax",
    "syscall",
    "test %eax,%eax",
    "jne 0x11b",
    "movl $0x1,0x40010004",
    "lea -0x1000(%rsp),%rdi",
    "movb $0x0,(%rdi)",
    "mov $0x1000,%esi",
    "mov $0x4f,%eax",
    "syscall",
    "cmpb $0x2f,(%rdi)",
    "je 0x152",
    "mov $0x40000002,%edi",
    "mov $0x50,%eax",
    "syscall",
    "movl $0x1,0x40010000",
    "mov %r15,%rdx",
    "mov $0x1a40d00,%eax",
    "jmp *%rax",
  ]);
});

disassemblyTest("the stub for aarch64 reads back as the instructions that were meant", "aarch64", () => {
  const drops = dropped.flatMap(({ shift, expected }) => {
    const quarter = (place: number) => `#0x${((expected >> BigInt(16 * place)) & 0xffffn).toString(16)}`;
    return [
      `mov x14, ${quarter(0)}`,
      `movk x14, ${quarter(1)}, lsl #16`,
      `movk x14, ${quarter(2)}, lsl #32`,
      `movk x14, ${quarter(3)}, lsl #48`,
      `cmp x14, x13${shift === 0 ? "" : `, lsl #${shift}`}`,
      "b.eq 0x1c",
    ];
  });
  expect(disassemble(stubAarch64(ENTRY).subarray(8), "aarch64")).toEqual([
    "mov x20, x0",
    "mov w19, #0x0",
    "movk w19, #0x4001, lsl #16",
    "ldr x10, [sp]",
    "add x10, sp, x10, lsl #3",
    "add x10, x10, #0x10",
    "mov x11, x10",
    "ldr x12, [x10], #8",
    "cbz x12, 0xdc",
    "ldr x13, [x12]",
    "orr x13, x13, #0x2020202020202020",
    ...drops,
    "str x12, [x11], #8",
    "b 0x1c",
    "str xzr, [x11], #8",
    "cmp x11, x10",
    "b.cc 0xdc",
    "mov w0, #0x0",
    "mov w1, #0x7",
    "mov w2, #0x0",
    "add x3, x19, #0x8",
    "mov w8, #0x105",
    "svc #0x0",
    "cmp w0, #0x0",
    "b.ne 0x110",
    "mov w13, #0x1",
    "str w13, [x19, #4]",
    "sub x10, sp, #0x1, lsl #12",
    "strb wzr, [x10]",
    "mov x0, x10",
    "mov w1, #0x1000",
    "mov w8, #0x11",
    "svc #0x0",
    "ldrb w13, [x10]",
    "cmp w13, #0x2f",
    "b.eq 0x14c",
    "mov w0, #0x4",
    "movk w0, #0x4000, lsl #16",
    "mov w8, #0x31",
    "svc #0x0",
    "mov w13, #0x1",
    "str w13, [x19]",
    "mov x0, x20",
    "mov w16, #0xd00",
    "movk w16, #0x1a4, lsl #16",
    "br x16",
  ]);
});

test("the path that the stub changes to is where it looks for it", () => {
  expect(stubX8664(ENTRY).slice(2, 4)).toEqual(new Uint8Array([0x2f, 0]));
  expect(stubAarch64(ENTRY).slice(4, 6)).toEqual(new Uint8Array([0x2f, 0]));
});

describe("an executable that the stub isn't made for is refused:", () => {
  const refused: [what: string, change: (view: DataView) => void][] = [
    ["addresses that aren't fixed", (view) => view.setUint16(16, 3, true)],
    ["another machine", (view) => view.setUint16(18, 243, true)],
    ["no header to replace", (view) => view.setUint32(64, 1, true)],
    ["an image that reaches the stub", (view) => view.setBigUint64(64 + 56 + 40, BigInt(STUB_ADDRESS), true)],
  ];
  for (const [what, change] of refused) {
    test(what, () => {
      const image = engine("x86_64");
      change(new DataView(image.buffer));
      expect(() => withStub(image, image.length)).toThrow(/entry stub/);
    });
  }
});
