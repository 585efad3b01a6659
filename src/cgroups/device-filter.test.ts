import { expect, test } from "bun:test";
import type { LinuxDeviceCgroup } from "../bundle/config.ts";
import { deviceFilter } from "./device-filter.ts";
import { deviceList } from "./device-rules.ts";

/** The few eBPF instructions that a filter is made of, Documentation/bpf/standardization/instruction-set.rst. */
function run(program: Uint8Array, context: readonly number[]): number {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const registers = new Array<number>(11).fill(Number.NaN);
  for (let pc = 0, steps = 0; steps < 10000; pc++, steps++) {
    const at = pc * 8;
    const opcode = view.getUint8(at);
    const to = view.getUint8(at + 1) & 15;
    const from = view.getUint8(at + 1) >> 4;
    const offset = view.getInt16(at + 2, true);
    const immediate = view.getInt32(at + 4, true);
    if (opcode === 0x61) registers[to] = context[offset / 4]!;
    else if (opcode === 0xb7) registers[to] = immediate;
    else if (opcode === 0xbf) registers[to] = registers[from]!;
    else if (opcode === 0x57) registers[to] = registers[to]! & immediate;
    else if (opcode === 0x77) registers[to] = registers[to]! >>> immediate;
    else if (opcode === 0x15) pc += registers[to] === immediate ? offset : 0;
    else if (opcode === 0x55) pc += registers[to] !== immediate ? offset : 0;
    else if (opcode === 0x5d) pc += registers[to] !== registers[from] ? offset : 0;
    else if (opcode === 0x95) return registers[0]!;
    else throw new Error(`opcode ${opcode.toString(16)} at ${pc}`);
  }
  throw new Error("no end");
}

/** "c 1:3 rw" */
function allowed(program: Uint8Array, device: string): boolean {
  const [type, numbers, access] = device.split(" ");
  const [major, minor] = numbers!.split(":").map(Number);
  let bits = 0;
  for (const letter of access!) bits |= letter === "m" ? 1 : letter === "r" ? 2 : 4;
  return run(program, [(bits << 16) | (type === "b" ? 1 : 2), major!, minor!]) === 1;
}

function verdicts(rules: LinuxDeviceCgroup[], table: Record<string, boolean>): void {
  const program = deviceFilter(deviceList(rules, undefined));
  for (const [device, verdict] of Object.entries(table)) {
    expect([device, allowed(program, device)]).toEqual([device, verdict]);
  }
}

test("without rules the default devices can be used, and others only made", () => {
  verdicts([], {
    "c 1:3 rwm": true,
    "c 1:3 r": true,
    "c 5:2 rw": true,
    "c 136:0 rw": true,
    "c 136:99999 rw": true,
    "c 10:200 rwm": true,
    "c 10:201 r": false,
    "b 1:3 r": false,
    "b 8:0 m": true,
    "b 8:0 r": false,
    "b 8:0 rm": false,
    "c 1:1 rw": false,
    "c 1:1 m": true,
  });
});

test("one allow rule does not allow anything else (GHSA-g54h-m393-cpwq)", () => {
  verdicts([{ allow: true, type: "b", major: 8, minor: 0, access: "r" }], {
    "b 8:0 r": true,
    "b 8:0 w": false,
    "b 8:0 rw": false,
    "b 8:1 r": false,
    "c 8:0 r": false,
    "b 8:0 m": true,
  });
});

test("wildcards match any number of their type", () => {
  verdicts(
    [
      { allow: true, type: "c", major: 4, access: "rw" },
      { allow: true, type: "b", minor: 7, access: "r" },
    ],
    { "c 4:0 rw": true, "c 4:1048575 rw": true, "c 7:4 rw": false, "b 9:7 r": true, "b 7:9 r": false },
  );
});

test("in a list that allows by default, any denied access denies the whole request", () => {
  verdicts(
    [
      { allow: true, access: "rwm" },
      { allow: false, type: "b", major: 8, minor: 0, access: "w" },
      { allow: false, type: "c", major: 4, access: "rwm" },
    ],
    {
      "b 8:0 r": true,
      "b 8:0 w": false,
      "b 8:0 rw": false,
      "b 8:1 rw": true,
      "c 4:3 r": false,
      "c 1:1 rwm": true,
    },
  );
});

test("allowing everything is a program that says yes", () => {
  verdicts([{ allow: true, access: "rwm" }], { "b 8:0 rwm": true, "c 200:200 rwm": true });
});
