import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Arch, hostArch, SYS, type SyscallName, syscallNumbers } from "../../native-bindings/syscall-numbers.ts";
import { checkProgram } from "../program/check-program.ts";
import { Message } from "../program/layout.ts";
import { operationsOf } from "../program/operation.ts";
import { cannotRun, failure, runProgram } from "../program/spawn-for-test.ts";
import { explainProgram } from "../report/explain.ts";
import { compileStart } from "./compile.ts";
import { RICH, specWith } from "./configs-for-test.ts";
import { type Case, RICH_CIRCUMSTANCES, SPEC_CIRCUMSTANCES, START_CASES } from "./start-cases-for-test.ts";
import { type Circumstances, plannedStart } from "./start-for-test.ts";
import { allKinds, kindOf } from "./step-kinds.ts";

const ARCHITECTURES: readonly Arch[] = ["x86_64", "aarch64"];

/** A filter says numbers of this machine; another architecture has others for the same calls. */
function forbidden({ filter }: Circumstances, arch: Arch): (nr: number) => boolean {
  const names = (Object.keys(SYS) as SyscallName[]).filter((name) => filter?.forbidden.includes(SYS[name]));
  const numbers = names.map((name) => syscallNumbers(arch)[name]);
  return (nr) => numbers.includes(nr);
}

/** What the checker has to say of a start, each with the step that it is about. */
function faults([, config, circumstances = {}]: Case, arch: Arch): string[] {
  const { program, steps } = compileStart(plannedStart(config, circumstances), arch);
  return checkProgram(program, forbidden(circumstances, arch)).map(
    ({ operation, what }) => `${operation} of ${steps[program.stepOf(operation)]?.kind ?? "the report"}: ${what}`,
  );
}

for (const arch of ARCHITECTURES) {
  describe(`the program of a start on ${arch} has no faults`, () => {
    for (const one of START_CASES) test(one[0], () => expect(faults(one, arch)).toEqual([]));
  });
}

test("between them, the starts that are checked have every kind of step", () => {
  const used = new Set<string>();
  for (const [, config, circumstances] of START_CASES) {
    for (const { steps } of plannedStart(config, circumstances).stages) for (const { kind } of steps) used.add(kind);
  }
  const missing = allKinds().filter(({ kind }) => !used.has(kind));
  expect(missing.map(({ kind }) => kind)).toEqual([]);
});

test("a name that no directory can have is known to fail: the rest of the program is never reached", () => {
  const found = faults(["", specWith({}, { args: ["sh"], env: [] })], hostArch);
  expect(found[0]).toEndWith(" of ready: no operation leads here");
  expect(found.filter((fault) => !fault.endsWith("no operation leads here"))).toEqual([]);
});

test("a filter that refuses what the program calls after it is found out", () => {
  const filter = {
    bpf: new Uint8Array(8),
    flags: 0,
    listener: false,
    dumpable: false,
    forbidden: [SYS.execve, SYS.setresuid],
  };
  const early = faults(["", specWith({}, { noNewPrivileges: false }), { filter }], hostArch);
  expect(early[0]).toMatch(/ of become-user: setresuid is refused by the seccomp filter of operation \d+$/);
  expect(early[1]).toMatch(/ of execute: execve is refused by the seccomp filter of operation \d+$/);
  const late = faults(["", specWith({}, { noNewPrivileges: true }), { filter }], hostArch);
  expect(late.length).toBeGreaterThan(0);
  expect(late.filter((fault) => !fault.includes(" of execute: execve"))).toEqual([]);
});

const GOLDEN: readonly (readonly [file: string, config: object, circumstances: Circumstances])[] = [
  ["spec.txt", specWith(), SPEC_CIRCUMSTANCES],
  ["rich.txt", RICH, RICH_CIRCUMSTANCES],
];

for (const [file, config, circumstances] of GOLDEN) {
  test(`the listing golden/${file} is what its config compiles to; UPDATE_GOLDEN=1 writes it anew`, () => {
    const plan = plannedStart(config, circumstances);
    const { program, given } = compileStart(plan, "x86_64");
    const describeStep = (step: Parameters<typeof kindOf>[0]) => kindOf(step).describe(step);
    const text = explainProgram({ stages: plan.stages, given }, program, describeStep, "text");
    const path = join(import.meta.dir, "golden", file);
    if (process.env.UPDATE_GOLDEN) writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
}

/** qemu-user carries out what comes before, and knows no clone3. */
test.skipIf(cannotRun("aarch64") !== undefined)(
  "on aarch64 a start goes on to clone3, and names it when it fails",
  () => {
    const plan = plannedStart(specWith(), { startBy: "sync", rlimits: [] });
    const { program, steps, sources } = compileStart({ ...plan, given: ["sync"], kept: 1 }, "aarch64");
    // Its sync socket is its standard output, here.
    program.setWord(sources[0]!, 1);
    const clone3 = operationsOf(program).findIndex(({ nr }) => nr === syscallNumbers("aarch64").clone3);
    const { exitCode, stdout } = runProgram(program);
    const ENOSYS = 38;
    expect(exitCode).toBe(99);
    expect(failure(stdout)).toEqual({ tag: Message.Failed, operation: clone3, errno: ENOSYS });
    expect(steps[program.stepOf(clone3)]!.kind).toBe("clone-init");
  },
);
