import { errnoName } from "../../native-bindings/errno.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import { arrivals, edgesOf, errnoTest } from "../program/flow.ts";
import { ERROR_MESSAGE, SCRATCH } from "../program/layout.ts";
import { indexOfAddress, type Operation, operationsOf } from "../program/operation.ts";

/** Where an operation leads, other than to the next one after success and to the report after an error. */
export interface Branch {
  /** `error`, `other errors`, `zero`, `child`, `equal`, `always`, or the name of an errno. */
  readonly on: string;
  /** Index of an operation; `fail`: the error is reported; `next`: it is ignored. */
  readonly to: number | "fail" | "next";
}

/** One operation of a listing. */
export interface ListedOperation {
  readonly index: number;
  readonly operation: Operation;
  readonly branches: readonly Branch[];
}

/**
 * Every operation with its branches. Tests of an errno that only the operation before them leads to are told as branches of
 * that operation, and jumps that are only jumped to are followed; both are left out.
 */
export function listOperations(program: ProgramBuilder): ListedOperation[] {
  const operations = operationsOf(program);
  const reports = new Set<number>();
  for (const [index, { nr, args }] of operations.entries()) {
    if (nr === program.nr.write && args[1] === ERROR_MESSAGE) reports.add(index);
  }
  const map: Listing = { operations, reports, arrivals: arrivals(operations, program.nr) };
  const told = new Set<number>();
  const listed = operations.map((operation, index) => ({
    index,
    operation,
    branches: operation.nr < 0 ? xorBranches(map, index) : callBranches(map, program, index, told),
  }));
  for (const [index, operation] of operations.entries()) {
    const before = index === 0 ? undefined : operations[index - 1]!;
    const entered = before !== undefined && edgesOf(before, index - 1, program.nr).some((edge) => edge.to === index);
    if (isJump(operation) && index > 0 && (!entered || told.has(index - 1))) told.add(index);
  }
  return listed.filter(({ index }) => !told.has(index));
}

interface Listing {
  readonly operations: readonly Operation[];
  /** Indexes of the operations that report an error. There may be more than one: whom to tell changes on the way. */
  readonly reports: ReadonlySet<number>;
  readonly arrivals: readonly number[];
}

/** @param told gets the indexes of the errno tests that are branches now. */
function callBranches(map: Listing, program: ProgramBuilder, index: number, told: Set<number>): Branch[] {
  const operation = map.operations[index]!;
  const { nr } = program;
  const branches: Branch[] = [];
  if (operation.nr === nr.exit_group) return branches;
  // An execve that returns has failed, so what follows it may be tests of its error.
  const execs = operation.nr === nr.execve || operation.nr === nr.execveat;
  let to = indexOfAddress(operation.onError);
  while (to !== index + 1 || execs) {
    const test = to in map.operations ? errnoTest(map.operations[to]!) : undefined;
    if (test === undefined || test.slot !== operation.save || map.arrivals[to] !== 1) break;
    branches.push({ on: errnoName(test.errno), to: target(map, test.to) });
    told.add(to++);
  }
  const other = to === index + 1 && !map.reports.has(to) && !execs ? "next" : target(map, to);
  if (other !== "fail" || branches.length > 0) {
    branches.push({ on: branches.length > 0 ? "other errors" : "error", to: other });
  }
  const zero = indexOfAddress(operation.onZero);
  if (zero !== index + 1 && !execs) {
    branches.push({
      on: operation.nr === nr.clone3 || operation.nr === nr.clone ? "child" : "zero",
      to: target(map, zero),
    });
  }
  return branches;
}

function xorBranches(map: Listing, index: number): Branch[] {
  const operation = map.operations[index]!;
  const [error, zero] = [indexOfAddress(operation.onError), indexOfAddress(operation.onZero)];
  if (isJump(operation)) return [{ on: "always", to: target(map, zero) }];
  const branches: Branch[] = [];
  const raises = operation.mask === 0 && (operation.args[0]! ^ operation.args[1]!) < 0;
  if (zero !== index + 1 && !raises) branches.push({ on: "equal", to: target(map, zero) });
  const other = error === index + 1 && !map.reports.has(error) ? "next" : target(map, error);
  // An assignment that goes on is no more than that, whatever the sign of the value.
  const assigns = other === "next" && operation.save !== SCRATCH && operation.args[1] === 0;
  if (other !== "fail" && !assigns) branches.push({ on: "error", to: other });
  return branches;
}

/** Where a target leads in the end: jumps are followed, but not in circles. */
function target(map: Listing, index: number): Branch["to"] {
  let to = index;
  for (let hops = 0; hops < 16 && to in map.operations && isJump(map.operations[to]!); hops++) {
    to = indexOfAddress(map.operations[to]!.onZero);
  }
  return map.reports.has(to) ? "fail" : to;
}

function isJump(operation: Operation): boolean {
  return operation.nr < 0 && operation.mask === 0 && operation.args[0] === operation.args[1];
}
