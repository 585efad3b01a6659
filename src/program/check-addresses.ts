import { type Argument, argumentsOf, structureOf, syscallName } from "../../native-bindings/call-arguments.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { ProgramFault } from "./check-program.ts";
import { DATA_BASE, SCRATCH } from "./layout.ts";
import { bytesAt, constantArgument, numberAt, type Operation, stringAt } from "./operation.ts";

/** Addresses outside the segments, strings without an end, what is written where it must not be, sizes that do not fit. */
export function addressFaults(operations: readonly Operation[], program: ProgramBuilder): ProgramFault[] {
  const faults: ProgramFault[] = [];
  for (const [index, operation] of operations.entries()) {
    const tell = (what: string) => faults.push({ operation: index, what });
    for (const [k, address] of operation.args.entries()) {
      if ((operation.mask & (1 << k)) !== 0 && !isWord(program, address))
        tell(`argument ${k} is loaded from outside the data`);
    }
    if (!isWord(program, operation.save)) tell("the result is saved outside the data");
    else if (operation.save < SCRATCH) tell("the result is saved over the error message");
    if (operation.nr >= 0) argumentFaults(operation, program, tell);
  }
  return faults;
}

type Tell = (what: string) => void;

function isWord(program: ProgramBuilder, address: number): boolean {
  const aligned = address % 4 === 0 || program.unaligned.includes(address);
  return address >= DATA_BASE && aligned && bytesAt(program, address, 4) !== undefined;
}

function argumentFaults(operation: Operation, program: ProgramBuilder, tell: Tell): void {
  const name = syscallName(operation.nr, program.arch)!;
  const known = operation.args.map((_, k) => constantArgument(operation, k));
  const list = argumentsOf(name, known);
  for (const [k, argument] of list.entries()) {
    if (!isPointer(argument)) continue;
    const value = known[k];
    if (value === undefined) {
      tell(`${argument.name} of ${name} is an address, and saved values have only 32 bits`);
      continue;
    }
    const what = pointerFault(program, argument, value, known[argument.kind === "ids" ? k - 1 : k + 1]);
    if (what !== undefined) tell(`${argument.name} of ${name} ${what}`);
    const layout = structureOf(argument.kind);
    const size = list[k + 1]?.name === "size" ? known[k + 1] : undefined;
    if (layout !== undefined && size !== undefined && size !== layout.bytes) {
      tell(`${argument.name} of ${name} has ${layout.bytes} bytes, not ${size}`);
    }
  }
}

function isPointer({ kind }: Argument): boolean {
  return /^(path|string|strings|data|ids|out|pointer|struct|inout)(\/|$)/.test(kind);
}

/** @param next the size of `data` and `out`, the number of `ids`, if it is known. */
function pointerFault(program: ProgramBuilder, argument: Argument, address: number, next?: number): string | undefined {
  const [form, detail] = argument.kind.split("/");
  if (address === 0) return form === "path" ? "is null" : undefined;
  switch (form) {
    case "path":
    case "string":
      return stringAt(program, address) === undefined ? "is no string of the program" : undefined;
    case "strings":
      return stringsFault(program, address);
    case "data":
      return bytesAt(program, address, next ?? 1) === undefined ? "reaches outside the program" : undefined;
    case "ids":
      return bytesAt(program, address, 4 * (next ?? 0)) === undefined ? "reaches outside the program" : undefined;
    case "pointer":
      return bytesAt(program, address, 1) === undefined ? "lies outside the program" : undefined;
    case "out":
      return writtenFault(program, address, Number(detail ?? next ?? 1));
    default:
      return structureFault(program, argument, address);
  }
}

function writtenFault(program: ProgramBuilder, address: number, bytes: number): string | undefined {
  if (bytesAt(program, address, bytes) === undefined) return "reaches outside the program";
  if (address < DATA_BASE) return "is written by the kernel, but lies in the constants";
  return address < SCRATCH ? "is written by the kernel, over the error message" : undefined;
}

function stringsFault(program: ProgramBuilder, address: number): string | undefined {
  for (let at = address; ; at += 8) {
    const item = numberAt(program, at, 8);
    if (item === undefined) return "is an array without an end";
    if (item === 0n) return undefined;
    if (stringAt(program, Number(item)) === undefined) return "has an element that is no string of the program";
  }
}

/** The structure itself, and what its own fields point to. */
function structureFault(program: ProgramBuilder, argument: Argument, address: number): string | undefined {
  const layout = structureOf(argument.kind)!;
  if (bytesAt(program, address, layout.bytes) === undefined) return "reaches outside the program";
  if (argument.kind.startsWith("inout/") && address < DATA_BASE) return writtenFault(program, address, layout.bytes);
  for (const [k, field] of layout.fields.entries()) {
    if (!isPointer(field)) continue;
    const value = Number(numberAt(program, address + field.offset, field.bytes));
    const next = layout.fields[k + 1];
    const size = next && Number(numberAt(program, address + next.offset, next.bytes));
    const what = pointerFault(program, field, value, size);
    if (what !== undefined) return `has a field ${field.name} that ${what}`;
  }
  return undefined;
}
