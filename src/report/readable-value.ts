import { CAPABILITIES } from "../../native-bindings/constants.ts";
import { flagNames } from "../../native-bindings/flag-names.ts";
import type { Arch } from "../../native-bindings/syscall-numbers.ts";

const LONGEST_TEXT = 100;

/** `"/dev/pts"` as strace(1) writes bytes: printable ones as they are, UTF-8 too, the others escaped, and cut when long. */
export function readableBytes(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  if (!text.includes("\ufffd")) {
    return text.length > LONGEST_TEXT ? `${JSON.stringify(text.slice(0, LONGEST_TEXT))}...` : JSON.stringify(text);
  }
  const shown = [...bytes.subarray(0, 32)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `"${shown}"${bytes.length > 32 ? "..." : ""}`;
}

/**
 * A number as strace(1) writes it.
 *
 * @param value unsigned, of `bits` bits.
 * @param kind as in call-arguments.ts; one that is not a number's is shown in hexadecimal.
 */
export function readableNumber(kind: string, value: bigint, bits: number, arch: Arch): string {
  if (kind.startsWith("flags/")) return flagNames(kind.slice(6), value, arch);
  const signed = BigInt.asIntN(bits, value);
  switch (kind) {
    case "dirfd":
      return signed === -100n ? "AT_FDCWD" : `${signed}`;
    case "fd":
    case "id":
    case "int":
    case "pid":
    case "size":
      return `${signed}`;
    case "uint":
      return signed === -1n ? "~0U" : `${value}`;
    case "signal":
      return value === 0n ? "0" : flagNames("signal", value, arch);
    case "mode":
      return octal(value);
    case "filemode":
      return fileMode(value);
    case "dev":
      return device(value);
    case "limit":
      return value === (1n << BigInt(bits)) - 1n ? "RLIM_INFINITY" : `${value}`;
    case "caps":
      return capabilities(value);
    default:
      return value === 0n ? "0" : `0x${value.toString(16)}`;
  }
}

function octal(value: bigint): string {
  return value === 0n ? "0" : `0${value.toString(8)}`;
}

/** mknod(2): the type of the file, and its permissions. */
function fileMode(mode: bigint): string {
  const types = new Map([
    [0o010000n, "S_IFIFO"],
    [0o020000n, "S_IFCHR"],
    [0o040000n, "S_IFDIR"],
    [0o060000n, "S_IFBLK"],
    [0o100000n, "S_IFREG"],
    [0o140000n, "S_IFSOCK"],
  ]);
  const type = types.get(mode & 0o170000n);
  return type === undefined ? octal(mode) : `${type}|${octal(mode & 0o7777n)}`;
}

/** The kernel's 32-bit device number: include/linux/kdev_t.h, new_decode_dev. */
function device(value: bigint): string {
  if (value === 0n) return "0";
  return `makedev(${(value >> 8n) & 0xfffn}, ${(value & 0xffn) | ((value >> 12n) & 0xfff00n)})`;
}

function capabilities(set: bigint): string {
  if (set === 0n) return "0";
  if (set === (1n << BigInt(CAPABILITIES.length)) - 1n) return "CAP_ALL";
  const names: string[] = [];
  for (let n = 0; n < 64; n++) if ((set >> BigInt(n)) & 1n) names.push(CAPABILITIES[n] ?? `1<<${n}`);
  return names.join("|");
}
