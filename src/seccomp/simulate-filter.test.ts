import { expect, test } from "bun:test";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp } from "../bundle/config.ts";
import { RET_ALLOW } from "./actions.ts";
import { auditArch, nativeToken } from "./architectures.ts";
import { compileFilter } from "./compile-filter.ts";
import { restrictedCalls, simulateFilter } from "./simulate-filter.ts";

const native = auditArch(nativeToken());

/** struct sock_filter of [code, jt, jf, k]. */
function program(...instructions: [number, number, number, number][]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

test("words are loaded from where struct seccomp_data has them, low half first", () => {
  const data = { nr: 7, arch: native, ip: 0x1122334455667788n, args: [0xaabbccdd00000001n, 2, 3, 4, 5, -1n] };
  const equals = (offset: number, k: number) =>
    simulateFilter(program([0x20, 0, 0, offset], [0x15, 0, 1, k], [6, 0, 0, RET_ALLOW], [6, 0, 0, 0]), data) ===
    RET_ALLOW;
  expect([equals(0, 7), equals(4, native), equals(8, 0x55667788), equals(12, 0x11223344)]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([
    equals(16, 1),
    equals(20, 0xaabbccdd),
    equals(24, 2),
    equals(56, 0xffffffff),
    equals(60, 0xffffffff),
  ]).toEqual(Array(5).fill(true));
  expect(equals(16, 2)).toBe(false);
});

test("comparisons are unsigned, and jumps go past what they skip", () => {
  const run = (code: number, k: number, nr: number) =>
    simulateFilter(program([0x20, 0, 0, 0], [code, 1, 0, k], [6, 0, 0, 0], [6, 0, 0, RET_ALLOW]), { nr, arch: 0 }) ===
    RET_ALLOW;
  expect([run(0x25, 0x7fffffff, 0xffffffff), run(0x25, 5, 5), run(0x35, 5, 5), run(0x35, 6, 5)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect([run(0x45, 0x80000000, 0x80000001), run(0x45, 2, 5)]).toEqual([true, false]);
  expect(simulateFilter(program([0x05, 0, 0, 1], [6, 0, 0, 0], [6, 0, 0, RET_ALLOW]), { nr: 0, arch: 0 })).toBe(
    RET_ALLOW,
  );
});

test("an instruction that is not simulated, or a jump beyond the end, is an error and not a verdict", () => {
  expect(() => simulateFilter(program([0x00, 0, 0, 1], [6, 0, 0, 0]), { nr: 0, arch: 0 })).toThrow(
    "0x0 is not simulated",
  );
  expect(() => restrictedCalls(program([0x20, 0, 0, 16], [0x0c, 0, 0, 1], [6, 0, 0, 0]), 0, [1])).toThrow(
    "0xc is not simulated",
  );
  expect(() => simulateFilter(program([0x05, 0, 0, 9], [6, 0, 0, 0]), { nr: 0, arch: 0 })).toThrow("beyond the end");
});

test("calls are told apart: let through, forbidden, dependent on arguments, decided by a listener", () => {
  const seccomp: LinuxSeccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      { names: ["read", "statx"], action: "SCMP_ACT_ALLOW" },
      { names: ["close"], action: "SCMP_ACT_LOG" },
      { names: ["kill"], action: "SCMP_ACT_ALLOW", args: [{ index: 1, value: 9, op: "SCMP_CMP_EQ" }] },
      { names: ["mount"], action: "SCMP_ACT_NOTIFY" },
      {
        names: ["unlinkat"],
        action: "SCMP_ACT_NOTIFY",
        args: [{ index: 2, value: 1, op: "SCMP_CMP_MASKED_EQ", valueTwo: 1 }],
      },
      { names: ["setns"], action: "SCMP_ACT_TRACE" },
    ],
  };
  const { bpf } = compileFilter(seccomp);
  const asked = [SYS.read, SYS.close, SYS.kill, SYS.mount, SYS.unlinkat, SYS.setns, SYS.execve];
  expect(restrictedCalls(bpf, native, asked)).toEqual({
    forbidden: [SYS.setns, SYS.execve],
    argumentDependent: [SYS.kill],
  });
  expect(restrictedCalls(bpf, native, asked).forbidden).toEqual([SYS.setns, SYS.execve]);
});

test("a call let through for every argument, in two rules, is not restricted", () => {
  const halves = (op: "SCMP_CMP_GE" | "SCMP_CMP_LT") => ({
    names: ["kill"],
    action: "SCMP_ACT_ALLOW" as const,
    args: [{ index: 0, value: 9, op }],
  });
  const { bpf } = compileFilter({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [halves("SCMP_CMP_GE"), halves("SCMP_CMP_LT")],
  });
  expect(restrictedCalls(bpf, native, [SYS.kill]).forbidden).toEqual([]);
  expect(simulateFilter(bpf, { nr: SYS.kill, arch: native, args: [8] })).toBe(RET_ALLOW);
  expect(simulateFilter(bpf, { nr: SYS.kill, arch: native, args: [9] })).toBe(RET_ALLOW);
  expect(simulateFilter(bpf, { nr: SYS.read, arch: native })).not.toBe(RET_ALLOW);
});
