import type { Arch } from "../../native-bindings/syscall-numbers.ts";
import { ProgramBuilder, type Slot } from "../program/builder.ts";
import { ERROR_MESSAGE, MESSAGE_BYTES, OPERATION_BYTES, OPERATIONS_ADDRESS } from "../program/layout.ts";
import type { Compilation, Step, StepKind } from "./step.ts";

/** The exit statuses of a program that did not get as far as its container. */
export const EXIT_FAILED = 99;
export const EXIT_ORPHANED = 98;
/** As runc's init ends when it fails after `start`. */
export const EXIT_FAILED_AFTER_READY = 255;

/** What a program is made of: the steps, and the descriptors that it is given. */
export interface ProgramPlan {
  readonly stages: readonly { readonly steps: readonly Step[] }[];
  readonly preservedDescriptors: number;
  /** Names of the descriptors that the program must be given, in the order of their numbers. */
  readonly given: readonly string[];
  /** How many of them are kept at `ready`; the rest is closed. */
  readonly kept: number;
  readonly closeRangeBlocked: boolean;
}

/** A plan written down as a program. */
export interface CompiledProgram {
  readonly program: ProgramBuilder;
  /** All steps of all stages, in order: an operation's step number is an index into it. */
  readonly steps: readonly Step[];
  /** The index of each step's first operation. */
  readonly starts: readonly number[];
  /** The descriptor number in the program of each given name. */
  readonly given: Readonly<Record<string, number>>;
  /** What is known of the steps, for those who speak about them. */
  readonly kindOf: KindOf;
  /** Addresses of the words that want the runtime's numbers of the given descriptors before the image is built. */
  readonly sources: readonly number[];
}

/** Looks up a step's kind. Each sort of plan has its own table, so that an `exec` carries no mounts. */
// biome-ignore lint/suspicious/noExplicitAny: each kind takes its own step; the lookup by `kind` is what pairs them
export type KindOf = (step: Step) => StepKind<any>;

/** Compiles a plan for an architecture, the host's unless said otherwise. Pure. */
export function compileProgram(plan: ProgramPlan, kindOf: KindOf, arch?: Arch): CompiledProgram {
  const p = new ProgramBuilder(arch);
  const firstOwn = 3 + plan.preservedDescriptors;
  const given: Record<string, number> = {};
  for (let i = 0; i < plan.given.length; i++) given[plan.given[i]!] = firstOwn + i;
  const sources: Slot[] = [];
  for (const name of plan.given) sources.push(p.slot(`runtime_${name}`, 0));
  const sync = given.sync!;
  const failBeforeReady = p.fail;
  const c: Compilation = {
    p,
    sync,
    result: given.result ?? sync,
    firstOwn,
    firstTransient: firstOwn + plan.kept,
    given,
    sources,
    orphaned: p.label(),
    failAfterReady: p.label(),
    rootfs: p.slot("rootfs"),
    consoleSlave: p.slot("console"),
    cwdResult: p.slot("chdir"),
    closeRangeBlocked: plan.closeRangeBlocked,
    shared: new Map(),
  };

  const steps: Step[] = [];
  const starts: number[] = [];
  for (const stage of plan.stages) {
    for (const step of stage.steps) {
      p.step = steps.length;
      steps.push(step);
      starts.push(p.length);
      kindOf(step).emit(c, step);
    }
  }

  p.step = steps.length;
  p.place(failBeforeReady);
  p.fail = c.orphaned;
  p.call(p.nr.write, sync, ERROR_MESSAGE, MESSAGE_BYTES);
  p.call(p.nr.exit_group, EXIT_FAILED);
  p.place(c.failAfterReady);
  p.call(p.nr.write, c.result, ERROR_MESSAGE, MESSAGE_BYTES).ignoreError();
  p.call(p.nr.exit_group, EXIT_FAILED_AFTER_READY);
  p.place(c.orphaned);
  p.call(p.nr.exit_group, EXIT_ORPHANED);
  return { program: p, steps, starts, given, kindOf, sources: c.sources };
}

/** The index of the operation at an address that the program reported. */
export function operationIndex(address: number): number {
  return (address - OPERATIONS_ADDRESS) / OPERATION_BYTES;
}
