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
  return `${JSON.stringify({ stages: json, report: rest }, (_, v) => (typeof v === "bigint" ? `${v}` : v), 2)}\n`;
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
  const print = (line: Line) => {
    const mark = targets.has(line.index) ? ">" : " ";
    out.push(`    ${mark}${`${line.index}`.padStart(width)}  ${line.call}${shownBranches(line)}`);
  };
  for (const { name, steps } of stages) {
    out.push(name);
    for (const { step, description, operations } of steps) {
      out.push(`  ${description}${step.from === "" ? "" : `  [${step.from}]`}`);
      operations.forEach(print);
    }
    out.push("");
  }
  if (rest.length > 0) {
    out.push("report of an error");
    rest.forEach(print);
    out.push("");
  }
  return out.join("\n");
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
