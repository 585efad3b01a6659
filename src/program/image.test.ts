import { expect, test } from "bun:test";
import type { Arch } from "../../native-bindings/syscall-numbers.ts";
import { ProgramBuilder } from "./builder.ts";
import { buildImage } from "./image.ts";
import { CODE_BASE, CONSTANT_BASE, DATA_BASE, OPERATIONS_OFFSET, WALKER_OFFSET } from "./layout.ts";
import { walkerAarch64 } from "./walker-aarch64.ts";
import { walkerX8664 } from "./walker-x86-64.ts";

function sample(arch: Arch): ProgramBuilder {
  const p = new ProgramBuilder(arch);
  p.call(p.nr.chdir, p.string("/somewhere"));
  p.slot("x", 0x12345678);
  p.place(p.fail);
  p.call(p.nr.exit_group, 99);
  return p;
}

/** type, flags, offset, address, size, align of each program header; elf(5). */
function segments(image: Uint8Array): number[][] {
  const view = new DataView(image.buffer);
  return [0, 1, 2, 3].map((index) => {
    const at = 64 + 56 * index;
    const wide = (offset: number) => Number(view.getBigUint64(at + offset, true));
    expect(wide(16)).toBe(wide(24));
    expect(wide(32)).toBe(wide(40));
    return [view.getUint32(at, true), view.getUint32(at + 4, true), wide(8), wide(16), wide(32), wide(48)];
  });
}

for (const [arch, machine, page] of [
  ["x86_64", 62, 4096],
  ["aarch64", 183, 65536],
] as const) {
  test(`${arch}: code, constants and data are three segments at page boundaries; nothing is writable and executable`, () => {
    const p = sample(arch);
    const image = buildImage(p);
    const [r, w, x] = [4, 2, 1];
    expect(segments(image)).toEqual([
      [1, r | x, 0, CODE_BASE, OPERATIONS_OFFSET + 96, page],
      [1, r, page, CONSTANT_BASE, p.constantBytes().length, page],
      [1, r | w, 2 * page, DATA_BASE, p.dataBytes().length, page],
      [0x6474e551, r | w, 0, 0, 0, 16],
    ]);
    expect(image.length).toBe(2 * page + p.dataBytes().length);
  });

  test(`${arch}: the header names the machine and starts at the walker`, () => {
    const image = buildImage(sample(arch));
    const view = new DataView(image.buffer);
    expect([...image.subarray(0, 8)]).toEqual([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
    expect(view.getUint16(18, true)).toBe(machine);
    expect(Number(view.getBigUint64(24, true))).toBe(CODE_BASE + WALKER_OFFSET);
    const walker = arch === "aarch64" ? walkerAarch64() : walkerX8664();
    expect(image.subarray(WALKER_OFFSET, WALKER_OFFSET + walker.length)).toEqual(walker);
  });

  test(`${arch}: operations, constants and data lie where the program headers say`, () => {
    const p = sample(arch);
    const image = buildImage(p);
    const operations = p.operations();
    expect(new Int32Array(image.slice(OPERATIONS_OFFSET, OPERATIONS_OFFSET + operations.byteLength).buffer)).toEqual(
      operations.slice(),
    );
    expect(new TextDecoder().decode(image.subarray(page, page + 11))).toBe("/somewhere\0");
    expect(new DataView(image.buffer).getInt32(2 * page + 16, true)).toBe(0x12345678);
  });
}
