import { describe, expect, test } from "bun:test";
import { type Arch, SYS, type SyscallName, syscallNumbers } from "../../native-bindings/syscall-numbers.ts";
import { checkProgram } from "../program/check-program.ts";
import { operationsOf } from "../program/operation.ts";
import { compileProgram } from "./compile-program.ts";
import { specWith } from "./configs-for-test.ts";
import { EXEC_CASES, type ExecCase, plannedExec } from "./exec-cases-for-test.ts";
import { execKindOf, execStepKinds } from "./exec-step-kinds.ts";

const ARCHITECTURES: readonly Arch[] = ["x86_64", "aarch64"];

/** What the checker has to say of an exec, each with the step that it is about. */
function faults([, config, circumstances = {}]: ExecCase, arch: Arch): string[] {
  const { program, steps } = compileProgram(plannedExec(config, circumstances), execKindOf, arch);
  const names = (Object.keys(SYS) as SyscallName[]).filter((name) =>
    circumstances.filter?.forbidden.includes(SYS[name]),
  );
  const numbers = names.map((name) => syscallNumbers(arch)[name]);
  return checkProgram(program, (nr) => numbers.includes(nr)).map(
    ({ operation, what }) => `${operation} of ${steps[program.stepOf(operation)]?.kind ?? "the report"}: ${what}`,
  );
}

for (const arch of ARCHITECTURES) {
  describe(`the program of an exec on ${arch} has no faults:`, () => {
    for (const one of EXEC_CASES) test(one[0], () => expect(faults(one, arch)).toEqual([]));
  });
}

test("between them, the execs that are checked have every kind of step", () => {
  const used = new Set<string>();
  for (const [, config, circumstances] of EXEC_CASES) {
    for (const { steps } of plannedExec(config, circumstances).stages) for (const { kind } of steps) used.add(kind);
  }
  expect(execStepKinds.filter(({ kind }) => !used.has(kind)).map(({ kind }) => kind)).toEqual([]);
});

test("every kind of step has words for what it does and for its failure", () => {
  for (const [, config, circumstances] of EXEC_CASES) {
    for (const { steps } of plannedExec(config, circumstances).stages) {
      for (const step of steps) {
        const kind = execKindOf(step);
        expect(kind.describe(step)).not.toBe("");
        expect(kind.failure?.(step, 1) ?? "-").not.toBe("");
      }
    }
  }
});

describe("what a process inside could reach is closed before one that it sees is made:", () => {
  for (const [name, config, circumstances] of EXEC_CASES) {
    test(name, () => {
      const plan = plannedExec(config, circumstances);
      const { program, given } = compileProgram(plan, execKindOf);
      const { nr } = program;
      const calls = operationsOf(program);
      const last = calls.findLastIndex((call) => call.nr === nr.clone3);
      const closing = calls.findLastIndex((call, index) => call.nr === nr.close_range && index < last);
      // The pidfd of init, and all that comes after it: a root directory, a cgroup's.
      expect(calls[closing]!.args.slice(0, 2)).toEqual([given.init!, -1]);
      const before = plan.given.slice(0, plan.given.indexOf("init"));
      expect(before).toEqual(plan.given.includes("console") ? ["sync", "console"] : ["sync"]);
      for (const call of calls.slice(closing + 1, last)) expect(call.nr).not.toBe(nr.openat);
      // No one inside may look into it, not even one who was joined by a change of ids in between.
      const dumpable = calls.findIndex((call) => call.nr === nr.prctl && call.args[0] === 4 && call.args[1] === 0);
      const join = calls.findIndex((call) => call.nr === nr.setns);
      expect(dumpable).toBeGreaterThan(0);
      if (join >= 0) expect(dumpable).toBeLessThan(join);
    });
  }
});

test("a list of CPUs is a mask of bits", () => {
  const step = { kind: "cpu-affinity", from: "", which: "final", cpus: " 0, 2-4,,9 " } as const;
  const plan = plannedExec(specWith());
  const { program } = compileProgram({ ...plan, stages: [{ steps: [step] }] }, execKindOf);
  const [call] = operationsOf(program);
  expect(call!.nr).toBe(program.nr.sched_setaffinity);
  const CONSTANT_BASE = 0x4000000;
  const at = call!.args[2]! - CONSTANT_BASE;
  expect([...program.constantBytes().subarray(at, at + 3)]).toEqual([0b11101, 0b10, 0]);
});
