import { ENOSYS } from "../../native-bindings/errno.ts";
import { RET_ERRNO } from "./actions.ts";
import { auditArch, S390, S390X, X32, X32_BIT, X86_64 } from "./architectures.ts";

// include/uapi/linux/bpf_common.h
const LD_W_ABS = 0x20;
const JMP_JA = 0x05;
const JMP_JEQ_K = 0x15;
const JMP_JGT_K = 0x25;
const JMP_JSET_K = 0x45;
const RET_K = 0x06;

/** struct seccomp_data, include/uapi/linux/seccomp.h. */
const DATA_NR = 0;
const DATA_ARCH = 4;

/** code, jump if true, jump if false, k: struct sock_filter. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number];

const returnEnosys: Instruction = [RET_K, 0, 0, RET_ERRNO | ENOSYS];
const loadNumber: Instruction = [LD_W_ABS, 0, 0, DATA_NR];

/**
 * Instructions to put before a filter, so that a call which is newer than the profile fails with ENOSYS.
 *
 * A profile can't name calls that did not exist when it was written; C libraries fall back to an older call on ENOSYS, but
 * give up on the profile's EPERM. "Newer" is: a number above the largest one that the profile names, for that architecture.
 * Calls of other architectures go on to the filter, as do x32 calls when only x86_64 is listed, and the other way round.
 *
 * @param largest by libseccomp token, the largest number named; 0 (nothing named) leaves the architecture alone.
 */
export function enosysStub(largest: ReadonlyMap<number, number>): Uint8Array {
  const byAuditArch = new Map<number, number[]>();
  for (const [token, number] of largest) {
    if (number <= 0) continue;
    const arch = auditArch(token);
    byAuditArch.set(arch, [...(byAuditArch.get(arch) ?? []), token]);
  }
  const sections = [...byAuditArch].map(([arch, tokens]) => section(arch, tokens, largest));
  if (sections.length === 0) return new Uint8Array(0);
  const total = sections.reduce((sum, instructions) => sum + instructions.length, 1);
  const stub: Instruction[] = [[LD_W_ABS, 0, 0, DATA_ARCH]];
  for (const instructions of sections) {
    for (const [code, jt, jf, k] of instructions) {
      // `ja` means "go on to the filter", wherever the section has ended up. Its distance is 32 bits wide.
      stub.push(code === JMP_JA ? [code, 0, 0, total - stub.length - 1] : [code, jt, jf, k]);
    }
  }
  return encode(stub);
}

/** One audit architecture: entered with `arch` in the accumulator, left for the filter or past its end. */
function section(arch: number, tokens: readonly number[], largest: ReadonlyMap<number, number>): Instruction[] {
  const body: Instruction[] = [loadNumber];
  if (arch === X86_64) {
    const x32 = tokens.includes(X32) ? limit(largest.get(X32)!) : [goOn];
    const x86 = tokens.includes(X86_64) ? limit(largest.get(X86_64)!) : [goOn];
    body.push([JMP_JSET_K, 0, x32.length, X32_BIT], ...x32, ...x86);
  } else {
    // Call 0 of s390 is how numbers unknown to the kernel arrive; setup(2) itself has been gone for decades.
    if (arch === S390 || arch === S390X) body.push([JMP_JEQ_K, 0, 1, 0], returnEnosys);
    body.push(...limit(largest.get(tokens[0]!)!));
  }
  return [[JMP_JEQ_K, 0, body.length, arch], ...body];
}

const goOn: Instruction = [JMP_JA, 0, 0, 0];

function limit(number: number): Instruction[] {
  return [[JMP_JGT_K, 0, 1, number], returnEnosys, goOn];
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}
