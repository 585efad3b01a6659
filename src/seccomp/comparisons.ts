import type { LinuxSeccompArg } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";

/** A struct scmp_arg_cmp: argument `index`, enum scmp_compare, and its data. MASKED_EQ: `a` is the mask, `b` the value. */
export interface Comparison {
  readonly index: number;
  readonly operator: number;
  readonly a: bigint;
  readonly b: bigint;
}

/** enum scmp_compare. */
const operators: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** A system call has arguments 0 to 5. */
const MAX_INDEX = 5;

/** The names that `op` may hold. */
export function operatorNames(): string[] {
  return Object.keys(operators);
}

/**
 * The rules that one `args` list stands for, each a list of comparisons that must all hold.
 *
 * They are one rule, unless an argument is compared twice: then each comparison is a rule of its own, so that any of them is
 * enough. Profiles written for the first runtimes rely on it, and libseccomp takes one comparison an argument only.
 *
 * @param where JSON Pointer of the list.
 */
export function comparisonSets(args: readonly LinuxSeccompArg[], where: string): Comparison[][] {
  const all = args.map((arg, i) => comparison(arg, `${where}/${i}`));
  const distinct = new Set(all.map((one) => one.index));
  return distinct.size === all.length ? [all] : all.map((one) => [one]);
}

function comparison(arg: LinuxSeccompArg, where: string): Comparison {
  const operator = Object.hasOwn(operators, arg.op) ? operators[arg.op] : undefined;
  if (operator === undefined) {
    throw new RuntimeFault({ what: `string ${arg.op} is not a valid operator for seccomp`, where: `${where}/op` });
  }
  if (arg.index > MAX_INDEX) {
    throw new RuntimeFault({
      what: "seccomp: a system call has arguments 0 to 5",
      where: `${where}/index`,
      value: arg.index,
    });
  }
  return { index: arg.index, operator, a: BigInt(arg.value), b: BigInt(arg.valueTwo ?? 0) };
}
