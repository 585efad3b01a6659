/** What the processor can do, as the C library and the engine have found when they chose their instructions. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PF_R, PF_W, PF_X } from "../entry/program-headers.ts";
import { Code } from "../entry/x86-64-code.ts";
import { executable } from "./executable.ts";
import { askProcessor, askStates } from "./resume-x86-64.ts";

/** Registers after `cpuid` with that leaf, and the lower half of XCR0. Intel SDM volume 2, CPUID and XGETBV. */
export interface Processor {
  readonly leaf1Ecx: number;
  readonly leaf1Edx: number;
  readonly leaf7Ebx: number;
  readonly leaf7Ecx: number;
  readonly states: number;
}

const ADDRESS = 0x400000;
const RESULT_BYTES = 20;

/** Asks this machine's, by a program of a few instructions. */
export function thisProcessor(): Processor {
  const directory = mkdtempSync(join(tmpdir(), "runts-processor-"));
  try {
    const path = join(directory, "ask");
    writeFileSync(path, program());
    chmodSync(path, 0o755);
    const { stdout } = Bun.spawnSync([path]);
    if (stdout.length !== RESULT_BYTES) throw new Error("the processor cannot be asked what it can do");
    const words = new Uint32Array(new Uint8Array(stdout).buffer);
    return {
      leaf1Ecx: words[0]!,
      leaf1Edx: words[1]!,
      leaf7Ebx: words[2]!,
      leaf7Ecx: words[3]!,
      states: words[4]!,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Writes the five numbers to standard output. */
function program(): Uint8Array {
  const code = new Code();
  askProcessor(code, 1);
  code.emit(0x41, 0x89, 0xc8, 0x41, 0x89, 0xd1); // mov r8d, ecx; mov r9d, edx
  askProcessor(code, 7);
  code.emit(0x41, 0x89, 0xda, 0x41, 0x89, 0xcc); // mov r10d, ebx; mov r12d, ecx
  askStates(code);
  code.emit(0x48, 0x83, 0xec, 0x20); // sub rsp, 32
  code.emit(0x44, 0x89, 0x04, 0x24); // mov [rsp], r8d
  code.emit(0x44, 0x89, 0x4c, 0x24, 0x04); // mov [rsp+4], r9d
  code.emit(0x44, 0x89, 0x54, 0x24, 0x08); // mov [rsp+8], r10d
  code.emit(0x44, 0x89, 0x64, 0x24, 0x0c); // mov [rsp+12], r12d
  code.emit(0x89, 0x44, 0x24, 0x10); // mov [rsp+16], eax
  code.emit(0xbf);
  code.word(1); // mov edi, 1
  code.emit(0x48, 0x89, 0xe6, 0xba); // mov rsi, rsp
  code.word(RESULT_BYTES); // mov edx, bytes
  code.call(1); // write
  code.emit(0x31, 0xff); // xor edi, edi
  code.call(60); // exit
  const bytes = new Uint8Array(code.bytes);
  return executable(new Uint8Array(0), ADDRESS, [{ address: ADDRESS, flags: PF_R | PF_W | PF_X, bytes }]);
}
