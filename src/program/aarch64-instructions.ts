/**
 * Instructions of aarch64, a function each. Offsets of loads and stores are in bytes, those of branches in instructions.
 *
 * Source of the encodings: Arm ARM (DDI 0487) C6.2; the tests of the code that is made of them disassemble it.
 */

/** The stack pointer, or zero: which of them depends on the instruction. */
export const SP = 31;
export const ZERO = 31;

/** movz wD, #value */
export function movz(d: number, value: number): number {
  return 0x52800000 | (value << 5) | d;
}

/** movk wD, #value, lsl #16 */
export function movkHigh(d: number, value: number): number {
  return 0x72a00000 | (value << 5) | d;
}

/** ldr wT, [xN, #offset] */
export function loadWord(t: number, n: number, offset: number): number {
  return 0xb9400000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** ldrsw xT, [xN, #offset] */
export function loadSigned(t: number, n: number, offset: number): number {
  return 0xb9800000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** str wT, [xN, #offset] */
export function storeWord(t: number, n: number, offset: number): number {
  return 0xb9000000 | ((offset / 4) << 10) | (n << 5) | t;
}

/** add xD, xN, #value */
export function add(d: number, n: number, value: number): number {
  return 0x91000000 | (value << 10) | (n << 5) | d;
}

/** eor xD, xN, xM */
export function exclusiveOr(d: number, n: number, m: number): number {
  return 0xca000000 | (m << 16) | (n << 5) | d;
}

/** svc #0 */
export function supervisorCall(): number {
  return 0xd4000001;
}

/** tbz xT, #bit, offset */
export function branchIfBitClear(t: number, bit: number, offset: number): number {
  return 0x36000000 | bitAndTarget(bit, offset) | t;
}

/** tbnz xT, #bit, offset */
export function branchIfBitSet(t: number, bit: number, offset: number): number {
  return 0x37000000 | bitAndTarget(bit, offset) | t;
}

/** The bit's number is split: its sixth bit is the instruction's highest. */
function bitAndTarget(bit: number, offset: number): number {
  return ((bit >> 5) << 31) | ((bit & 31) << 19) | ((offset & 0x3fff) << 5);
}

/** cbz xT, offset */
export function branchIfZero(t: number, offset: number): number {
  return 0xb4000000 | ((offset & 0x7ffff) << 5) | t;
}

/** cbnz xT, offset */
export function branchUnlessZero(t: number, offset: number): number {
  return 0xb5000000 | ((offset & 0x7ffff) << 5) | t;
}

/** b offset */
export function branch(offset: number): number {
  return 0x14000000 | (offset & 0x3ffffff);
}

/** b.COND offset */
export function branchIf(condition: number, offset: number): number {
  return 0x54000000 | ((offset & 0x7ffff) << 5) | condition;
}

/** Conditions of {@link branchIf}. */
export const EQUAL = 0;
export const NOT_EQUAL = 1;
export const LOWER = 3;
export const NOT_LOWER = 2;
export const NEGATIVE = 4;
export const NOT_NEGATIVE = 5;

/** br xN */
export function branchTo(n: number): number {
  return 0xd61f0000 | (n << 5);
}

/** movz xD, #value */
export function movzLong(d: number, value: number): number {
  return 0xd2800000 | (value << 5) | d;
}

/** movk xD, #value, lsl #(16 * place) */
export function movkLong(d: number, value: number, place: number): number {
  return 0xf2800000 | (place << 21) | (value << 5) | d;
}

/** mov xD, xM */
export function move(d: number, m: number): number {
  return 0xaa0003e0 | (m << 16) | d;
}

/** ldr xT, [xN] */
export function loadLong(t: number, n: number): number {
  return 0xf9400000 | (n << 5) | t;
}

/** ldr xT, [xN], #8 */
export function loadLongNext(t: number, n: number): number {
  return 0xf8408400 | (n << 5) | t;
}

/** str xT, [xN], #8 */
export function storeLongNext(t: number, n: number): number {
  return 0xf8008400 | (n << 5) | t;
}

/** str xT, [xN] */
export function storeLong(t: number, n: number): number {
  return 0xf9000000 | (n << 5) | t;
}

/** ldrb wT, [xN] */
export function loadByte(t: number, n: number): number {
  return 0x39400000 | (n << 5) | t;
}

/** strb wT, [xN] */
export function storeByte(t: number, n: number): number {
  return 0x39000000 | (n << 5) | t;
}

/** add xD, xN, xM, lsl #shift, where xN may be the stack pointer */
export function addShifted(d: number, n: number, m: number, shift: number): number {
  return 0x8b206000 | (m << 16) | (shift << 10) | (n << 5) | d;
}

/** sub xD, xN, #pages, lsl #12 */
export function subtractPages(d: number, n: number, pages: number): number {
  return 0xd1400000 | (pages << 10) | (n << 5) | d;
}

/** cmp xN, xM, lsl #shift */
export function compareShifted(n: number, m: number, shift: number): number {
  return 0xeb00001f | (m << 16) | (shift << 10) | (n << 5);
}

/** cmp wN, #value */
export function compareTo(n: number, value: number): number {
  return 0x7100001f | (value << 10) | (n << 5);
}

/** orr xD, xN, #0x2020202020202020 */
export function setCaseBits(d: number, n: number): number {
  return 0xb203c000 | (n << 5) | d;
}

/** ldr xT, [xN, #offset] */
export function load(t: number, n: number, offset: number): number {
  return 0xf9400000 | ((offset / 8) << 10) | (n << 5) | t;
}

/** str xT, [xN, #offset] */
export function store(t: number, n: number, offset: number): number {
  return 0xf9000000 | ((offset / 8) << 10) | (n << 5) | t;
}

/** ldr xT, [xN, xM, lsl #3] */
export function loadIndexed(t: number, n: number, m: number): number {
  return 0xf8607800 | (m << 16) | (n << 5) | t;
}

/** ldp xT, xU, [xN, #offset] */
export function loadPair(t: number, u: number, n: number, offset: number): number {
  return 0xa9400000 | pair(t, u, n, offset);
}

/** stp xT, xU, [xN, #offset] */
export function storePair(t: number, u: number, n: number, offset: number): number {
  return 0xa9000000 | pair(t, u, n, offset);
}

/** ldp xT, xU, [xN], #offset */
export function loadPairAfter(t: number, u: number, n: number, offset: number): number {
  return 0xa8c00000 | pair(t, u, n, offset);
}

/** stp xT, xU, [xN, #offset]! */
export function storePairBefore(t: number, u: number, n: number, offset: number): number {
  return 0xa9800000 | pair(t, u, n, offset);
}

function pair(t: number, u: number, n: number, offset: number): number {
  return (((offset / 8) & 0x7f) << 15) | (u << 10) | (n << 5) | t;
}

/** adr xD, distance in bytes */
export function addressOf(d: number, distance: number): number {
  return 0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | d;
}

/** and xD, xN, #1 */
export function andOne(d: number, n: number): number {
  return 0x92400000 | (n << 5) | d;
}

/** blr xN */
export function branchLink(n: number): number {
  return 0xd63f0000 | (n << 5);
}

/** ret */
export function ret(): number {
  return 0xd65f03c0;
}
