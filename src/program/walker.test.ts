import { describe, expect, test } from "bun:test";
import { disassemble, disassemblyTest } from "./disassemble-for-test.ts";
import { OPERATIONS_OFFSET, WALKER_OFFSET } from "./layout.ts";
import { walkerAarch64 } from "./walker-aarch64.ts";
import { walkerX8664 } from "./walker-x86-64.ts";

describe("x86_64", () => {
  test("the walker's bytes are the ones that were reviewed", () => {
    expect(Buffer.from(walkerX8664()).toString("hex")).toBe(
      "bb000240008b6b0448637b08d1ed730348633f4863730cd1ed730348633648635310d1ed73034863124c635314d1ed73034d63124c6343" +
        "18d1ed73034d63004c634b1cd1ed73034d630948630385c0782c0f058b4b2089014885c0780d74064883c330eba08b5b28eb9b891c25" +
        "04000008890425080000088b5b24eb884889f84831f0ebce",
    );
  });

  disassemblyTest("the walker reads back as the instructions that were meant", "i386:x86-64", () => {
    const argument = (offset: string, register: string, after: string) => [
      `movslq ${offset}(%rbx),%${register}`,
      "shr %ebp",
      `jae ${after}`,
      `movslq (%${register}),%${register}`,
    ];
    expect(disassemble(walkerX8664(), "i386:x86-64")).toEqual([
      "mov $0x400200,%ebx",
      "mov 0x4(%rbx),%ebp",
      ...argument("0x8", "rdi", "0x13"),
      ...argument("0xc", "rsi", "0x1e"),
      ...argument("0x10", "rdx", "0x29"),
      ...argument("0x14", "r10", "0x34"),
      ...argument("0x18", "r8", "0x3f"),
      ...argument("0x1c", "r9", "0x4a"),
      "movslq (%rbx),%rax",
      "test %eax,%eax",
      "js 0x7d",
      "syscall",
      "mov 0x20(%rbx),%ecx",
      "mov %eax,(%rcx)",
      "test %rax,%rax",
      "js 0x6a",
      "je 0x65",
      "add $0x30,%rbx",
      "jmp 0x5",
      "mov 0x28(%rbx),%ebx",
      "jmp 0x5",
      "mov %ebx,0x8000004",
      "mov %eax,0x8000008",
      "mov 0x24(%rbx),%ebx",
      "jmp 0x5",
      "mov %rdi,%rax",
      "xor %rsi,%rax",
      "jmp 0x53",
    ]);
  });
});

describe("aarch64", () => {
  test("the walker's bytes are the ones that were reviewed", () => {
    expect(Buffer.from(walkerAarch64()).toString("hex")).toBe(
      "144080521408a072950640b9800a80b955000036000080b9810e80b955000836210080b9821280b955001036420080b9831680b955001836" +
        "630080b9841a80b955002036840080b9851e80b955002836a50080b9880280b90802f837010000d4892240b9200100b9c000f8b76000" +
        "00b494c20091e5ffff17942a40b9e3ffff178a0080520a00a172540100b9400500b9942640b9ddffff17000001caf1ffff17",
    );
  });

  disassemblyTest("the walker reads back as the instructions that were meant", "aarch64", () => {
    const argument = (k: number, after: string) => [
      `ldrsw x${k}, [x20, #${8 + 4 * k}]`,
      `tbz w21, #${k}, ${after}`,
      `ldrsw x${k}, [x${k}]`,
    ];
    expect(disassemble(walkerAarch64(), "aarch64")).toEqual([
      "mov w20, #0x200",
      "movk w20, #0x40, lsl #16",
      "ldr w21, [x20, #4]",
      ...argument(0, "0x18"),
      ...argument(1, "0x24"),
      ...argument(2, "0x30"),
      ...argument(3, "0x3c"),
      ...argument(4, "0x48"),
      ...argument(5, "0x54"),
      "ldrsw x8, [x20]",
      "tbnz w8, #31, 0x98",
      "svc #0x0",
      "ldr w9, [x20, #32]",
      "str w0, [x9]",
      "tbnz x0, #63, 0x80",
      "cbz x0, 0x78",
      "add x20, x20, #0x30",
      "b 0x8",
      "ldr w20, [x20, #40]",
      "b 0x8",
      "mov w10, #0x4",
      "movk w10, #0x800, lsl #16",
      "str w20, [x10]",
      "str w0, [x10, #4]",
      "ldr w20, [x20, #36]",
      "b 0x8",
      "eor x0, x0, x1",
      "b 0x60",
    ]);
  });
});

test("both walkers fit between the program headers and the operations", () => {
  expect(WALKER_OFFSET + walkerX8664().length).toBeLessThanOrEqual(OPERATIONS_OFFSET);
  expect(WALKER_OFFSET + walkerAarch64().length).toBeLessThanOrEqual(OPERATIONS_OFFSET);
});
