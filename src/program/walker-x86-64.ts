import { ERROR_ADDRESS, OPERATIONS_ADDRESS } from "./layout.ts";

/**
 * The walker for x86_64: goes through the list of operations, forever.
 *
 * rbx is the current operation, ebp its mask; the kernel clobbers rax, rcx and r11 only (syscall(2)).
 * No stack, no relocations, no calls.
 *
 * @returns 133 bytes of machine code. Source of the encodings: Intel SDM volume 2; walker.test.ts disassembles them.
 */
export function walkerX8664(): Uint8Array {
  const code: number[] = [];
  const emit = (...bytes: number[]) => {
    for (const byte of bytes) code.push(byte);
  };
  const word = (value: number) => emit(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255);
  /** Byte displacement of a short jump from the end of the instruction that `emit` is about to complete. */
  const to = (target: number) => (target - (code.length + 1)) & 255;

  emit(0xbb);
  word(OPERATIONS_ADDRESS); // mov ebx, operations
  const loop = code.length;
  emit(0x8b, 0x6b, 0x04); // mov ebp, [rbx+4]
  const argument = (load: readonly number[], deref: readonly number[]) => {
    emit(...load); // movsxd R, [rbx+8+4k]
    emit(0xd1, 0xed); // shr ebp, 1: this argument's bit is the carry
    emit(0x73, 0x03); // jnc +3
    emit(...deref); // movsxd R, [R]
  };
  argument([0x48, 0x63, 0x7b, 0x08], [0x48, 0x63, 0x3f]); // rdi
  argument([0x48, 0x63, 0x73, 0x0c], [0x48, 0x63, 0x36]); // rsi
  argument([0x48, 0x63, 0x53, 0x10], [0x48, 0x63, 0x12]); // rdx
  argument([0x4c, 0x63, 0x53, 0x14], [0x4d, 0x63, 0x12]); // r10
  argument([0x4c, 0x63, 0x43, 0x18], [0x4d, 0x63, 0x00]); // r8
  argument([0x4c, 0x63, 0x4b, 0x1c], [0x4d, 0x63, 0x09]); // r9
  emit(0x48, 0x63, 0x03); // movsxd rax, [rbx]
  emit(0x85, 0xc0); // test eax, eax
  emit(0x78, 0); // js pseudo
  const jumpToPseudo = code.length - 1;
  emit(0x0f, 0x05); // syscall
  const store = code.length;
  emit(0x8b, 0x4b, 0x20); // mov ecx, [rbx+32]
  emit(0x89, 0x01); // mov [rcx], eax
  emit(0x48, 0x85, 0xc0); // test rax, rax
  emit(0x78, 0); // js error
  const jumpToError = code.length - 1;
  emit(0x74, 0); // jz zero
  const jumpToZero = code.length - 1;
  emit(0x48, 0x83, 0xc3, 0x30); // add rbx, 48
  emit(0xeb);
  emit(to(loop)); // jmp loop
  code[jumpToZero] = code.length - jumpToZero - 1;
  emit(0x8b, 0x5b, 0x28); // mov ebx, [rbx+40]
  emit(0xeb);
  emit(to(loop));
  code[jumpToError] = code.length - jumpToError - 1;
  emit(0x89, 0x1c, 0x25);
  word(ERROR_ADDRESS); // mov [error], ebx
  emit(0x89, 0x04, 0x25);
  word(ERROR_ADDRESS + 4); // mov [error+4], eax
  emit(0x8b, 0x5b, 0x24); // mov ebx, [rbx+36]
  emit(0xeb);
  emit(to(loop));
  code[jumpToPseudo] = code.length - jumpToPseudo - 1;
  emit(0x48, 0x89, 0xf8); // mov rax, rdi
  emit(0x48, 0x31, 0xf0); // xor rax, rsi
  emit(0xeb);
  emit(to(store)); // jmp store
  return new Uint8Array(code);
}
