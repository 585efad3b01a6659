import { hostArch } from "../../native-bindings/syscall-numbers.ts";

/**
 * libseccomp's token of an architecture, by the name that config.json has for it.
 *
 * Tokens are the kernel's AUDIT_ARCH_* (include/uapi/linux/audit.h), but for x32, which shares its audit value with x86_64.
 */
const tokens: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
  SCMP_ARCH_MIPS: 0x00000008,
  SCMP_ARCH_MIPS64: 0x80000008,
  SCMP_ARCH_MIPS64N32: 0xa0000008,
  SCMP_ARCH_MIPSEL: 0x40000008,
  SCMP_ARCH_MIPSEL64: 0xc0000008,
  SCMP_ARCH_MIPSEL64N32: 0xe0000008,
  SCMP_ARCH_PPC: 0x00000014,
  SCMP_ARCH_PPC64: 0x80000015,
  SCMP_ARCH_PPC64LE: 0xc0000015,
  SCMP_ARCH_RISCV64: 0xc00000f3,
  SCMP_ARCH_S390: 0x00000016,
  SCMP_ARCH_S390X: 0x80000016,
  SCMP_ARCH_LOONGARCH64: 0xc0000102,
};

export const X86_64 = 0xc000003e;
export const X32 = 0x4000003e;
export const S390 = 0x00000016;
export const S390X = 0x80000016;

/** Set in the number of every x32 system call: __X32_SYSCALL_BIT. */
export const X32_BIT = 0x40000000;

/** The names that `architectures` may hold. */
export function architectureNames(): string[] {
  return Object.keys(tokens);
}

/** libseccomp's token, or undefined for a name that is none. */
export function architectureToken(name: string): number | undefined {
  return Object.hasOwn(tokens, name) ? tokens[name] : undefined;
}

/** What the kernel puts into `seccomp_data.arch` for calls of that architecture. */
export function auditArch(token: number): number {
  return token === X32 ? X86_64 : token;
}

/** The token of the machine this runs on. */
export function nativeToken(): number {
  return hostArch === "aarch64" ? 0xc00000b7 : X86_64;
}
