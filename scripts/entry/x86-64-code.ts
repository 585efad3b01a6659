import { RECORD_ADDRESS } from "./layout.ts";

// Jumps, all with a distance of 32 bits.
export const ALWAYS = [0xe9];
export const IF_LESS = [0x0f, 0x82];
export const IF_EQUAL = [0x0f, 0x84];
export const UNLESS_EQUAL = [0x0f, 0x85];
export const UNLESS_LESS = [0x0f, 0x83];
export const IF_NEGATIVE = [0x0f, 0x88];
export const UNLESS_NEGATIVE = [0x0f, 0x89];

/** Machine code of x86_64 that grows. Source of the encodings: Intel SDM volume 2; the tests disassemble what is made of it. */
export class Code {
  readonly bytes: number[] = [];

  emit(...bytes: number[]): void {
    for (const byte of bytes) this.bytes.push(byte);
  }

  word(value: number): void {
    this.emit(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
  }

  quad(value: bigint): void {
    this.word(Number(value & 0xffffffffn));
    this.word(Number(value >> 32n));
  }

  /** @returns where the jump ends, for {@link land}. */
  jump(opcode: readonly number[], target = 0): number {
    this.emit(...opcode);
    this.word(target - (this.bytes.length + 4));
    return this.bytes.length;
  }

  /** Makes the jump that ends at `jump` lead to what comes next. */
  land(jump: number): void {
    const distance = this.bytes.length - jump;
    for (let i = 0; i < 4; i++) this.bytes[jump - 4 + i] = (distance >> (8 * i)) & 255;
  }

  call(nr: number): void {
    this.emit(0xb8);
    this.word(nr); // mov eax, nr
    this.emit(0x0f, 0x05); // syscall
  }

  /** The distance to `target` from what comes next, where this code begins at `start`. */
  relative(start: number, target: number): void {
    this.word(target - (start + this.bytes.length + 4));
  }

  /** Notes down a one. */
  note(offset: number): void {
    this.emit(0xc7, 0x04, 0x25);
    this.word(RECORD_ADDRESS + offset);
    this.word(1); // mov dword [record+offset], 1
  }
}
