import { ANY, type DeviceException, type DeviceList, EVERYTHING } from "./device-rules.ts";

// struct bpf_insn: opcode u8, registers u8 (destination low, source high), offset s16, immediate s32. linux/bpf.h
const LOAD_WORD = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const MOVE_IMMEDIATE = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const MOVE = 0xbf; // BPF_ALU64 | BPF_MOV | BPF_X
const AND = 0x57; // BPF_ALU64 | BPF_AND | BPF_K
const SHIFT_RIGHT = 0x77; // BPF_ALU64 | BPF_RSH | BPF_K
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_UNEQUAL = 0x55; // BPF_JMP | BPF_JNE | BPF_K
const JUMP_UNEQUAL_REGISTER = 0x5d; // BPF_JMP | BPF_JNE | BPF_X
const EXIT = 0x95; // BPF_JMP | BPF_EXIT
const CLASS = 7;
const JUMP_CLASS = 5;

/** Registers: r0 is the verdict, r1 the context and then scratch. */
const VERDICT = 0;
const CONTEXT = 1;
const SCRATCH = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

/** linux/bpf.h: BPF_DEVCG_DEV_BLOCK and _CHAR. */
const BLOCK = 1;
const CHARACTER = 2;

const INSTRUCTION_BYTES = 8;

type Instruction = readonly [opcode: number, destination: number, source: number, offset: number, immediate: number];

/**
 * The device list as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE: 1 allows, 0 is EPERM.
 *
 * Rule after rule, and the first that matches decides. In a list that denies by default a rule matches when it has every
 * access that is asked for. In one that allows by default it matches when it has any of them, as in cgroup v1: a device
 * that must not be written must not be opened for reading and writing either.
 *
 * The context is struct bpf_cgroup_dev_ctx: access_type (device type in the low half, access in the high), major, minor.
 */
export function deviceFilter(list: DeviceList): Uint8Array {
  const allows = list.byDefault === "allows";
  const program: Instruction[] = [
    [LOAD_WORD, TYPE, CONTEXT, 0, 0],
    [LOAD_WORD, MAJOR, CONTEXT, 4, 0],
    [LOAD_WORD, MINOR, CONTEXT, 8, 0],
    [MOVE, ACCESS, TYPE, 0, 0],
    [SHIFT_RIGHT, ACCESS, 0, 0, 16],
    [AND, TYPE, 0, 0, 0xffff],
  ];
  for (const exception of list.exceptions) program.push(...ruleInstructions(exception, allows));
  program.push([MOVE_IMMEDIATE, VERDICT, 0, 0, allows ? 1 : 0], [EXIT, 0, 0, 0, 0]);
  return encoded(program);
}

/** One exception: tests that jump behind it when they fail, and the verdict. */
function ruleInstructions({ type, major, minor, access }: DeviceException, allows: boolean): Instruction[] {
  const tests: Instruction[] = [[JUMP_UNEQUAL, TYPE, 0, 0, type === "b" ? BLOCK : CHARACTER]];
  if (access !== EVERYTHING) {
    tests.push([MOVE, SCRATCH, ACCESS, 0, 0], [AND, SCRATCH, 0, 0, access]);
    tests.push(allows ? [JUMP_EQUAL, SCRATCH, 0, 0, 0] : [JUMP_UNEQUAL_REGISTER, SCRATCH, ACCESS, 0, 0]);
  }
  // Immediates are sign-extended: numbers from 2^31 on match nothing, and no device has them (12 and 20 bits).
  if (major !== ANY) tests.push([JUMP_UNEQUAL, MAJOR, 0, 0, major]);
  if (minor !== ANY) tests.push([JUMP_UNEQUAL, MINOR, 0, 0, minor]);
  const rule: Instruction[] = tests.map(([opcode, destination, source, , immediate], index) => {
    const isTest = (opcode & CLASS) === JUMP_CLASS;
    return [opcode, destination, source, isTest ? tests.length + 1 - index : 0, immediate];
  });
  rule.push([MOVE_IMMEDIATE, VERDICT, 0, 0, allows ? 0 : 1], [EXIT, 0, 0, 0, 0]);
  return rule;
}

function encoded(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(program.length * INSTRUCTION_BYTES));
  program.forEach(([opcode, destination, source, offset, immediate], index) => {
    const at = index * INSTRUCTION_BYTES;
    view.setUint8(at, opcode);
    view.setUint8(at + 1, destination | (source << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
  });
  return new Uint8Array(view.buffer);
}
