/**
 * Operations and system calls as a reader of strace(1) expects them. Loaded lazily: when a step has failed, by `explain`, and
 * for debug logs.
 */
import { type Argument, argumentsOf, structureOf, syscallName } from "../../native-bindings/call-arguments.ts";
import { DEVPTS_SUPER_MAGIC, PROC_SUPER_MAGIC } from "../../native-bindings/constants.ts";
import { errnoName } from "../../native-bindings/errno.ts";
import { type Arch, hostArch } from "../../native-bindings/syscall-numbers.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import { DATA_BASE, ERROR_ADDRESS, ERROR_MESSAGE, MESSAGE_BYTES, Message, SCRATCH } from "../program/layout.ts";
import {
  bytesAt,
  constantArgument,
  indexOfAddress,
  numberAt,
  type Operation,
  operationAt,
  stringAt,
} from "../program/operation.ts";
import { readableBytes, readableNumber } from "./readable-value.ts";

/** Descriptor numbers that a program was given, by name. They are shown like strace -y does: `3<sync>`. */
export type GivenDescriptors = Readonly<Record<string, number>>;

/**
 * One operation: `openat2($rootfs, "dev/pts", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}, 24) = $target`.
 *
 * Saved values are `$name`, places that the kernel writes to `&name`. Fields of structures that are zero are left out.
 */
export function readableOperation(program: ProgramBuilder, index: number, given: GivenDescriptors = {}): string {
  const operation = operationAt(program.operations(), index);
  if (operation.nr < 0) return readableXor(program, operation, index);
  const name = syscallName(operation.nr, program.arch);
  if (name === undefined) return `syscall_${operation.nr}(${operation.args.join(", ")})`;
  const known = operation.args.map((_, k) => constantArgument(operation, k));
  const reader: Reader = { program, arch: program.arch, given };
  const list = argumentsOf(name, known);
  const shown = list.map((argument, k) =>
    known[k] === undefined
      ? `$${place(program, operation.args[k]!)}`
      : readable(reader, argument, known[k], known[argument.kind === "ids" ? k - 1 : k + 1]),
  );
  const last = list.at(-1);
  // open(2)'s mode means nothing without O_CREAT.
  if (last?.kind === "mode" && name === "openat" && known[3] === 0) shown.pop();
  const saved = operation.save === SCRATCH ? "" : ` = $${place(program, operation.save)}`;
  return `${name}(${shown.join(", ")})${saved}`;
}

/**
 * A direct system call: `readableCall(SYS.mount, ["proc", "/proc", "proc", MS_NOSUID, 0])`.
 *
 * @param args numbers, and texts where the call takes the address of a C string.
 */
export function readableCall(nr: number, args: readonly (number | string)[], arch: Arch = hostArch): string {
  const name = syscallName(nr, arch);
  const values = args.map((value) => (typeof value === "number" ? value : undefined));
  const list = name === undefined ? [] : argumentsOf(name, values);
  const shown = args.map((value, k) => {
    if (typeof value === "string") return JSON.stringify(value);
    return readable({ arch, given: {} }, list[k] ?? { name: "", kind: "int" }, value);
  });
  return `${name ?? `syscall_${nr}`}(${shown.slice(0, Math.max(list.length, name === undefined ? 6 : 0)).join(", ")})`;
}

/** The name of a data address: the slot's, or where it lies. */
export function place(program: ProgramBuilder, address: number): string {
  if (address === ERROR_ADDRESS) return "failed_operation";
  if (address === ERROR_ADDRESS + 4) return "failed_errno";
  return program.slotNames.get(address) ?? `data+0x${(address - DATA_BASE).toString(16)}`;
}

/** What an address can be looked up in. Without a program, addresses are of another process or of the runtime itself. */
interface Reader {
  readonly program?: ProgramBuilder;
  readonly arch: Arch;
  readonly given: GivenDescriptors;
}

/** @param length of `data`, `out` and `ids`, if it is known. */
function readable(reader: Reader, argument: Argument, value: number, length?: number): string {
  const { kind } = argument;
  const [form] = kind.split("/");
  switch (form) {
    case "path":
    case "string":
      return pointer(value, () => text(reader, value));
    case "strings":
      return pointer(value, () => texts(reader, value, argument.name));
    case "data":
      return pointer(value, () => data(reader, value, length));
    case "ids":
      return pointer(value, () => ids(reader, value, length));
    case "out":
    case "pointer":
      return pointer(value, () => address(reader, value));
    case "struct":
    case "inout":
      return pointer(value, () => structure(reader, kind, value));
    default:
      return readableNumber(kind, bits(value), 32, reader.arch) + givenName(reader, kind, value);
  }
}

/** 32 bits without a sign; more when it is a wider number. */
function bits(value: number): bigint {
  return Number.isSafeInteger(value) && value > 0xffffffff ? BigInt(value) : BigInt(value >>> 0);
}

function pointer(value: number, show: () => string): string {
  return value === 0 ? "NULL" : show();
}

function givenName(reader: Reader, kind: string, fd: number): string {
  if (kind !== "fd" && kind !== "dirfd") return "";
  for (const name in reader.given) if (reader.given[name] === fd) return `<${name}>`;
  return "";
}

function address(reader: Reader, value: number): string {
  if (reader.program === undefined || value < DATA_BASE) return `0x${value.toString(16)}`;
  return `&${place(reader.program, value)}`;
}

function text(reader: Reader, value: number): string {
  // What lies in the data is written at run time.
  const known = reader.program && value < DATA_BASE ? stringAt(reader.program, value) : undefined;
  return known === undefined ? address(reader, value) : readableBytes(known);
}

/** The environment is counted, not shown: it is where secrets are. */
function texts(reader: Reader, value: number, name: string): string {
  const { program } = reader;
  if (program === undefined) return address(reader, value);
  const shown: string[] = [];
  for (let at = value; ; at += 8) {
    const item = numberAt(program, at, 8);
    if (item === undefined) return address(reader, value);
    if (item === 0n) break;
    shown.push(text(reader, Number(item)));
  }
  if (name === "envp") return `[/* ${shown.length} ${shown.length === 1 ? "var" : "vars"} */]`;
  return `[${shown.slice(0, 16).join(", ")}${shown.length > 16 ? ", ..." : ""}]`;
}

function ids(reader: Reader, value: number, count = 0): string {
  if (reader.program === undefined || bytesAt(reader.program, value, 4 * count) === undefined)
    return address(reader, value);
  const list = Array.from({ length: count }, (_, k) => `${numberAt(reader.program!, value + 4 * k, 4)}`);
  return `[${list.slice(0, 32).join(", ")}${count > 32 ? ", ..." : ""}]`;
}

function data(reader: Reader, value: number, length: number | undefined): string {
  const bytes = reader.program && length !== undefined ? bytesAt(reader.program, value, length) : undefined;
  if (bytes === undefined) return address(reader, value);
  return (
    message(reader.program!, value, bytes.length) ?? (value < DATA_BASE ? readableBytes(bytes) : address(reader, value))
  );
}

/** What goes over the sync socket, by its tag. */
function message(program: ProgramBuilder, value: number, length: number): string | undefined {
  if (length !== MESSAGE_BYTES) return undefined;
  if (value === ERROR_MESSAGE) return `{${Message[Message.Failed]}, operation, errno}`;
  const tag = Message[Number(numberAt(program, value, 4))];
  if (tag === undefined) return undefined;
  const word = (at: number) => {
    const slot = program.slotNames.get(at);
    return slot === undefined ? `${BigInt.asIntN(32, numberAt(program, at, 4)!)}` : `$${slot}`;
  };
  return `{${tag}, ${word(value + 4)}, ${word(value + 8)}}`;
}

function structure(reader: Reader, kind: string, value: number): string {
  const { program } = reader;
  const layout = structureOf(kind)!;
  if (program === undefined || bytesAt(program, value, layout.bytes) === undefined) return address(reader, value);
  const shown: string[] = [];
  for (const [k, field] of layout.fields.entries()) {
    const at = value + field.offset;
    const slot = program.slotNames.get(at);
    const found = numberAt(program, at, Math.min(field.bytes, 8))!;
    if (slot !== undefined) shown.push(`${field.name}=$${slot}`);
    else if (found !== 0n || capsHigh(program, field.kind, at) !== 0n) {
      const next = layout.fields[k + 1];
      const length = next && Number(numberAt(program, value + next.offset, next.bytes));
      shown.push(`${field.name}=${fieldValue(reader, field, at, found, length)}`);
    }
  }
  return `{${shown.join(", ")}}`;
}

function fieldValue(
  reader: Reader,
  field: Argument & { readonly bytes: number },
  at: number,
  found: bigint,
  next?: number,
): string {
  const program = reader.program!;
  if (field.kind === "caps") {
    return readableNumber("caps", found | (capsHigh(program, "caps", at) << 32n), 64, reader.arch);
  }
  if (field.kind === "text") return readableBytes(bytesAt(program, at, field.bytes)!.filter((byte) => byte !== 0));
  if (/^(path|string|data|out|pointer|struct|inout)/.test(field.kind)) {
    return readable(reader, field, Number(found), next);
  }
  return readableNumber(field.kind, found, field.bytes * 8, reader.arch) + givenName(reader, field.kind, Number(found));
}

function capsHigh(program: ProgramBuilder, kind: string, at: number): bigint {
  return kind === "caps" ? numberAt(program, at + 12, 4)! : 0n;
}

/** The pseudo-operation by what it is used for: a jump, a raised error, an assignment, a comparison. */
function readableXor(program: ProgramBuilder, operation: Operation, index: number): string {
  const [a, b] = [constantArgument(operation, 0), constantArgument(operation, 1)];
  const shown = (k: number) => {
    const value = constantArgument(operation, k);
    return value === undefined ? `$${place(program, operation.args[k]!)}` : readableWord(value);
  };
  if (operation.save !== SCRATCH && b === 0) return `$${place(program, operation.save)} = ${shown(0)}`;
  if (a !== undefined && b !== undefined) {
    if (a === b) return "goto";
    return (a ^ b) < 0 ? `raise ${readableWord(a ^ b)}` : `if ${a} == ${b}`;
  }
  // Nothing follows from zero: what is asked is whether it is an error.
  if (b === 0 && indexOfAddress(operation.onZero) === index + 1) return `raise ${shown(0)}, if an error`;
  return `if ${shown(0)} == ${shown(1)}`;
}

/** What statfs(2) says in f_type, of the file systems that programs ask for. */
const FILESYSTEMS: Readonly<Record<number, string>> = {
  [DEVPTS_SUPER_MAGIC]: "DEVPTS_SUPER_MAGIC",
  [PROC_SUPER_MAGIC]: "PROC_SUPER_MAGIC",
};

/** An errno by name, a kind of file system by name, four characters as text, as a number anything else. */
function readableWord(value: number): string {
  if (value < 0 && value > -4096) return errnoName(-value);
  const filesystem = FILESYSTEMS[value];
  if (filesystem !== undefined) return filesystem;
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ? readableBytes(bytes) : `${value}`;
}
