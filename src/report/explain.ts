/** The plan of a start and the program that it became, for a person to read before it happens, or for a machine. */
import type { Step } from "../plan/step.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import { type Branch, listOperations } from "./branches.ts";
import { type GivenDescriptors, readableOperation } from "./readable-operation.ts";

/** The steps in the order in which they were compiled: `program.step` counts them through all stages, from 0. */
export interface ExplainedPlan {
  readonly stages: readonly { readonly name: string; readonly steps: readonly Step[] }[];
  /** Numbers of the descriptors that the program is given, by name. */
  readonly given?: GivenDescriptors;
}

interface Line {
  readonly index: number;
  readonly call: string;
  readonly branches: readonly Branch[];
}

/**
 * The stages and steps in order: what each does, the config field that asked for it, and its system calls.
 *
 * In the text an operation is `number call = $saved`, then where it leads if not to the next one; without a word, an error is
 * reported and ends the start. `>` marks an operation that others jump to, `↺` a jump backward.
 *
 * @param describe what a step does, in a few words.
 */
export function explainProgram(
  plan: ExplainedPlan,
  program: ProgramBuilder,
  describe: (step: Step) => string,
  format: "text" | "json",
): string {
  const byStep = new Map<number, Line[]>();
  for (const listed of listOperations(program)) {
    const { index, operation, branches } = listed;
    const line = { index, call: readableOperation(program, index, plan.given), branches };
    const lines = byStep.get(operation.step);
    if (lines === undefined) byStep.set(operation.step, [line]);
    else lines.push(line);
  }
  let number = 0;
  const stages = plan.stages.map((stage) => ({
    name: stage.name,
    steps: stage.steps.map((step) => ({ step, description: describe(step), operations: byStep.get(number++) ?? [] })),
  }));
  // What belongs to no step: the report of an error.
  const rest = [...byStep].filter(([step]) => step < 0 || step >= number).flatMap(([, lines]) => lines);
  if (format === "text") return text(stages, rest);
  const json = stages.map(({ name, steps }) => ({
    name,
    steps: steps.map(({ step, description, operations }) => ({ ...step, description, operations })),
  }));
  return `${JSON.stringify({ stages: json, report: rest }, (_, value) => jsonValue(value), 2)}\n`;
}

/** What JSON has no form for: numbers of 64 bits in decimal, bytes in hexadecimal. */
function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  return value instanceof Uint8Array ? value.toHex() : value;
}

type Stages = readonly {
  readonly name: string;
  readonly steps: readonly {
    readonly step: Step;
    readonly description: string;
    readonly operations: readonly Line[];
  }[];
}[];

function text(stages: Stages, rest: readonly Line[]): string {
  const all = [...stages.flatMap((stage) => stage.steps.flatMap((step) => step.operations)), ...rest];
  const targets = new Set(all.flatMap((line) => line.branches.map((branch) => branch.to)));
  const width = `${all.reduce((most, line) => Math.max(most, line.index), 0)}`.length;
  const out: string[] = [];
  const print = (lines: readonly Line[]) => {
    for (let at = 0; at < lines.length; ) {
      const line = lines[at]!;
      const { lines: run, around } = runFrom(lines, at, targets);
      const mark = targets.has(line.index) ? ">" : " ";
      const head = `    ${mark}${`${line.index}`.padStart(width)}  `;
      const call = around === undefined ? line.call : callOfRun(run, around, head.length);
      out.push(`${head}${call}${shownBranches(line)}`);
      at += run.length;
    }
  };
  for (const { name, steps } of stages) {
    out.push(name);
    for (const { step, description, operations } of steps) {
      out.push(`  ${description}${step.from === "" ? "" : `  [${step.from}]`}`);
      print(operations);
    }
    out.push("");
  }
  if (rest.length > 0) {
    out.push("report of an error");
    print(rest);
    out.push("");
  }
  return out.join("\n");
}

/** What stands before and after one argument of a call. */
interface Around {
  readonly before: string;
  readonly after: string;
}

interface Run {
  readonly lines: readonly Line[];
  /** Of a run of one: undefined. */
  readonly around: Around | undefined;
}

const LEAST_RUN = 4;
const LINE_WIDTH = 120;

/**
 * The lines that differ from this one in one argument alone, and that no jump lands in: forty capabilities dropped, sixty
 * signals reset.
 */
function runFrom(lines: readonly Line[], start: number, targets: ReadonlySet<Branch["to"]>): Run {
  const first = lines[start]!;
  const branches = shownBranches(first);
  let longest: Run = { lines: [first], around: undefined };
  for (const around of aroundArguments(first.call)) {
    let end = start + 1;
    for (; end < lines.length; end++) {
      const { call, index } = lines[end]!;
      if (argumentIn(call, around) === undefined || targets.has(index) || shownBranches(lines[end]!) !== branches)
        break;
    }
    if (end - start >= LEAST_RUN && end - start > longest.lines.length)
      longest = { lines: lines.slice(start, end), around };
  }
  return longest;
}

/** Each way to take one plain word out of a call's arguments: `prctl(PR_CAPBSET_DROP, ` and `) = $drop`. */
function aroundArguments(call: string): Around[] {
  const found: Around[] = [];
  for (const { 0: word, 1: lead, index } of call.matchAll(/([(] ?|, )\w+(?=[,)])/g)) {
    found.push({ before: call.slice(0, index + lead!.length), after: call.slice(index + word.length) });
  }
  return found;
}

/** The word that this call has in that place; undefined when the rest of it is another. */
function argumentIn(call: string, { before, after }: Around): string | undefined {
  if (!call.startsWith(before) || !call.endsWith(after)) return undefined;
  const argument = call.slice(before.length, call.length - after.length);
  return /^\w+$/.test(argument) ? argument : undefined;
}

/** One call with all that a run has in that place in braces, broken into lines. */
function callOfRun(run: readonly Line[], around: Around, indent: number): string {
  const { before, after } = around;
  let text = `${before}{`;
  let column = indent + text.length;
  for (const [k, line] of run.entries()) {
    const word = `${argumentIn(line.call, around)}${k < run.length - 1 ? ", " : ""}`;
    if (column + word.length > LINE_WIDTH) {
      text = `${text.trimEnd()}\n${" ".repeat(indent + 2)}`;
      column = indent + 2;
    }
    text += word;
    column += word.length;
  }
  return `${text}}${after}`;
}

function shownBranches(line: Line): string {
  const first = line.branches[0];
  // A jump reads as part of its operation: `goto → 7`, `if $x == ENOENT → 9`.
  const jump = first?.on === "always" || first?.on === "equal" ? first : undefined;
  const byTarget = new Map<Branch["to"], string[]>();
  for (const { on, to } of jump === undefined ? line.branches : line.branches.slice(1)) {
    byTarget.set(to, [...(byTarget.get(to) ?? []), on]);
  }
  const said = [...byTarget].map(([to, on]) =>
    to === "next" ? `${on.join(", ")} ignored` : `${on.join(", ")} ${arrow(to, line.index)}`,
  );
  return `${jump === undefined ? "" : ` ${arrow(jump.to, line.index)}`}${said.length === 0 ? "" : `  (${said.join("; ")})`}`;
}

function arrow(to: Branch["to"], from: number): string {
  return typeof to === "number" && to <= from ? `↺ ${to}` : `→ ${to}`;
}
