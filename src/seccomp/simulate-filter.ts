/** Runs a seccomp filter without a kernel: what would it say of a call? */
import { RET_ALLOW, RET_LOG, RET_USER_NOTIF } from "./actions.ts";

/** struct seccomp_data. Numbers are unsigned; `args` has up to six 64-bit values, the missing ones are 0. */
export interface SeccompData {
  readonly nr: number;
  readonly arch: number;
  readonly ip?: bigint;
  readonly args?: readonly (number | bigint)[];
}

/** Calls that a filter does not let through whatever their arguments, by what happens instead. */
export interface RestrictedCalls {
  /** Never let through. */
  readonly forbidden: readonly number[];
  /** Let through for some arguments only. */
  readonly argumentDependent: readonly number[];
}

// include/uapi/linux/bpf_common.h
const LD_W_ABS = 0x20;
const ALU_AND_K = 0x54;
const JMP_JA = 0x05;
const JMP_JEQ_K = 0x15;
const JMP_JGT_K = 0x25;
const JMP_JGE_K = 0x35;
const JMP_JSET_K = 0x45;
const RET_K = 0x06;

const ACTION_FULL = 0xffff0000;

/**
 * The value that the filter returns, action and data.
 *
 * @param bpf struct sock_filter after struct sock_filter, as libseccomp writes them: unknown instructions are an error.
 */
export function simulateFilter(bpf: Uint8Array, data: SeccompData): number {
  const results = outcomes(bpf, (offset) => word(data, offset));
  return results.values().next().value as number;
}

/** Of these system calls of one architecture, those that are not let through whatever their arguments. */
export function restrictedCalls(bpf: Uint8Array, arch: number, numbers: readonly number[]): RestrictedCalls {
  const forbidden: number[] = [];
  const argumentDependent: number[] = [];
  for (const nr of numbers) {
    const results = [...outcomes(bpf, (offset) => (offset === 0 ? nr : offset === 4 ? arch : undefined))];
    const passing = results.filter((value) => action(value) === RET_ALLOW || action(value) === RET_LOG);
    if (passing.length === results.length) continue;
    // What the listener decides is neither: it answers as soon as it has the descriptor.
    if (results.some((value) => action(value) === RET_USER_NOTIF)) continue;
    if (passing.length > 0) argumentDependent.push(nr);
    else forbidden.push(nr);
  }
  return { forbidden, argumentDependent };
}

function action(value: number): number {
  return (value & ACTION_FULL) >>> 0;
}

function word(data: SeccompData, offset: number): number {
  if (offset === 0) return data.nr >>> 0;
  if (offset === 4) return data.arch >>> 0;
  const wide = offset < 16 ? (data.ip ?? 0n) : BigInt(data.args?.[(offset - 16) >> 3] ?? 0);
  return Number(BigInt.asUintN(32, (offset & 4) === 0 ? wide : wide >> 32n));
}

/**
 * Every value that the filter may return. A word that `load` does not know (undefined) makes both ways of a comparison
 * possible; what a path has learnt of it is forgotten, so an outcome may be listed that no argument reaches, never fewer.
 */
function outcomes(bpf: Uint8Array, load: (offset: number) => number | undefined): Set<number> {
  const view = new DataView(bpf.buffer, bpf.byteOffset, bpf.byteLength);
  const results = new Set<number>();
  const seen = new Set<number>();
  const open: [pc: number, accumulator: number | undefined][] = [[0, 0]];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    let [pc, a] = state;
    for (;;) {
      const at = 8 * pc;
      if (at >= bpf.byteLength) throw new RangeError(`seccomp filter: jump to ${pc}, beyond the end`);
      const code = view.getUint16(at, true);
      const k = view.getUint32(at + 4, true);
      pc++;
      if (code === RET_K) {
        results.add(k);
        break;
      }
      if (code === LD_W_ABS) a = load(k);
      else if (code === ALU_AND_K) a = a === undefined ? undefined : (a & k) >>> 0;
      else if (code === JMP_JA) pc += k;
      else if (a === undefined && isComparison(code)) {
        const other = pc + view.getUint8(at + 3);
        if (!seen.has(other)) {
          seen.add(other);
          open.push([other, a]);
        }
        pc += view.getUint8(at + 2);
      } else pc += view.getUint8(at + (holds(code, a ?? 0, k) ? 2 : 3));
    }
  }
  return results;
}

function isComparison(code: number): boolean {
  return code === JMP_JEQ_K || code === JMP_JGT_K || code === JMP_JGE_K || code === JMP_JSET_K;
}

function holds(code: number, a: number, k: number): boolean {
  switch (code) {
    case JMP_JEQ_K:
      return a === k;
    case JMP_JGT_K:
      return a > k;
    case JMP_JGE_K:
      return a >= k;
    case JMP_JSET_K:
      return (a & k) !== 0;
    default:
      throw new RangeError(`seccomp filter: instruction 0x${code.toString(16)} is not simulated`);
  }
}
