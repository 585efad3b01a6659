import { argumentsOf, structureOf, syscallName } from "../../native-bindings/call-arguments.ts";
import type { ProgramBuilder } from "./builder.ts";
import { constantArgument, numberAt, type Operation } from "./operation.ts";

const CLONE_PIDFD = 0x1000n;

/** Data that the kernel writes. */
export interface Written {
  readonly address: number;
  readonly bytes: number;
}

/** What a call that succeeds writes through its pointers: pipe2's pair, wait4's status, clone3's pidfd, read's buffer ... */
export function kernelWrites(operation: Operation, program: ProgramBuilder): Written[] {
  const name = operation.nr < 0 ? undefined : syscallName(operation.nr, program.arch);
  if (name === undefined) return [];
  const known = operation.args.map((_, k) => constantArgument(operation, k));
  const found: Written[] = [];
  for (const [k, { kind }] of argumentsOf(name, known).entries()) {
    const address = known[k];
    if (address === undefined || address === 0) continue;
    if (kind.startsWith("out")) found.push({ address, bytes: outBytes(kind, known[k + 1]) });
    else found.push(...structureWrites(program, kind, address, kind.startsWith("inout/")));
  }
  return found;
}

/** A size that is not known beforehand counts as one word. */
function outBytes(kind: string, next: number | undefined): number {
  const bytes = kind.split("/")[1];
  return bytes === undefined ? (next ?? 4) : Number(bytes);
}

/** @param written whether the kernel writes to the structure, and so to the buffers that it points to (recvmsg). */
function structureWrites(program: ProgramBuilder, kind: string, address: number, written: boolean): Written[] {
  const layout = structureOf(kind);
  if (layout === undefined || numberAt(program, address, 1) === undefined) return [];
  if (kind === "struct/clone_args" && ((numberAt(program, address, 8) ?? 0n) & CLONE_PIDFD) === 0n) return [];
  const found: Written[] = written ? [{ address, bytes: layout.bytes }] : [];
  for (const [k, field] of layout.fields.entries()) {
    const value = Number(numberAt(program, address + field.offset, field.bytes) ?? 0n);
    if (value === 0) continue;
    const next = layout.fields[k + 1];
    if (field.kind.startsWith("out/")) found.push({ address: value, bytes: outBytes(field.kind, undefined) });
    else if (field.kind === "data" && written && next !== undefined) {
      found.push({ address: value, bytes: Number(numberAt(program, address + next.offset, next.bytes) ?? 0n) });
    } else found.push(...structureWrites(program, field.kind, value, written));
  }
  return found;
}
