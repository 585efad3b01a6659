import { expect, test } from "bun:test";
import { ENOENT, ENOTDIR } from "../../native-bindings/errno.ts";
import type { Step } from "../plan/step.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { ERROR_MESSAGE } from "../program/layout.ts";
import { explainProgram } from "./explain.ts";

const plan = {
  stages: [
    { name: "enter", steps: [{ kind: "clone", from: "" }] },
    {
      name: "build",
      steps: [
        { kind: "mount", from: "/mounts/0" },
        { kind: "start", from: "/process/args" },
      ],
    },
  ],
  given: { sync: 3 },
};

const describe = (step: Step) => `the ${step.kind}`;

/** A clone, a mount point that is made when it is missing, and an execve. */
function sample(): ProgramBuilder {
  const p = new ProgramBuilder("x86_64");
  const { nr } = p;
  const [child, missing, choose, again, found] = [p.label(), p.label(), p.label(), p.label(), p.label()];
  const [pid, target] = [p.slot("pid"), p.slot("target")];
  p.call(nr.clone3, p.constantWords([0x20000, ...new Array(21).fill(0)]), 88)
    .save(pid)
    .onZero(child);
  p.call(nr.exit_group, 0);
  p.place(child);
  p.step = 1;
  p.place(again);
  p.call(nr.openat, -100, p.string("proc"), 0o12000000).save(target).onError(choose);
  p.jump(found);
  p.place(choose);
  p.jumpIfErrno(target, ENOENT, missing);
  p.jumpIfErrno(target, ENOTDIR, missing);
  p.jump(p.fail);
  p.place(missing);
  p.call(nr.mkdirat, -100, p.string("proc"), 0o755).ignoreError();
  p.jump(again);
  p.place(found);
  p.call(nr.close, load(target));
  p.step = 2;
  p.call(nr.execve, p.string("/bin/true"), p.stringArray(["true"]), p.stringArray([]));
  p.step = -1;
  p.place(p.fail);
  p.call(nr.write, 3, ERROR_MESSAGE, 12).ignoreError();
  p.call(nr.exit_group, 99);
  return p;
}

test("the text shows stages, steps, the field that asked for each, its calls and where they lead", () => {
  expect(explainProgram(plan, sample(), describe, "text")).toBe(`enter
  the clone
      0  clone3({flags=CLONE_NEWNS}, 88) = $pid  (child → 2)
      1  exit_group(0)

build
  the mount  [/mounts/0]
    > 2  openat(AT_FDCWD, "proc", O_PATH|O_CLOEXEC) = $target  (ENOENT, ENOTDIR → 7; other errors → fail)
      3  goto → 9
    > 7  mkdirat(AT_FDCWD, "proc", 0755)  (error ignored)
      8  goto ↺ 2
    > 9  close($target)
  the start  [/process/args]
     10  execve("/bin/true", ["true"], [/* 0 vars */])

report of an error
     11  write(3<sync>, {Failed, operation, errno}, 12)  (error ignored)
     12  exit_group(99)
`);
});

test("the JSON holds the same, with the operands of each step", () => {
  const explained = JSON.parse(explainProgram(plan, sample(), describe, "json"));
  expect(explained.stages[1].steps[0]).toMatchObject({ kind: "mount", from: "/mounts/0", description: "the mount" });
  expect(explained.stages[1].steps[0].operations[0]).toEqual({
    index: 2,
    call: 'openat(AT_FDCWD, "proc", O_PATH|O_CLOEXEC) = $target',
    branches: [
      { on: "ENOENT", to: 7 },
      { on: "ENOTDIR", to: 7 },
      { on: "other errors", to: "fail" },
    ],
  });
  expect(explained.report).toHaveLength(2);
});

test("operands that are bytes, and numbers of 64 bits, are told in the JSON as texts", () => {
  const step = { kind: "filter", from: "", bpf: Uint8Array.of(6, 0, 255), limit: 2n ** 63n };
  const p = new ProgramBuilder("x86_64");
  p.place(p.fail);
  p.call(p.nr.exit_group, 0);
  const explained = explainProgram({ stages: [{ name: "only", steps: [step] }] }, p, describe, "json");
  expect(JSON.parse(explained).stages[0].steps[0]).toMatchObject({ bpf: "0600ff", limit: "9223372036854775808" });
});

test("tests of an errno that are also reached from elsewhere stay operations of their own", () => {
  const p = new ProgramBuilder("x86_64");
  const [choose, fd] = [p.label(), p.slot("fd")];
  p.call(p.nr.openat, -100, p.string("a"), 0o2000000).save(fd).onError(choose);
  p.call(p.nr.openat, -100, p.string("b"), 0o2000000).save(fd).onError(choose);
  p.place(choose);
  p.jumpIfErrno(fd, ENOENT, p.fail);
  p.call(p.nr.exit_group, 0);
  p.place(p.fail);
  p.call(p.nr.write, 3, ERROR_MESSAGE, 12).ignoreError();
  p.call(p.nr.exit_group, 99);
  const text = explainProgram({ stages: [{ name: "only", steps: [{ kind: "x", from: "" }] }] }, p, describe, "text");
  expect(text).toContain('"a", O_RDONLY|O_CLOEXEC) = $fd  (error → 2)');
  expect(text).toContain("if $fd == ENOENT → fail");
});

test("calls that differ in one argument alone are one entry of the text, and each its own in the JSON", () => {
  const p = new ProgramBuilder("x86_64");
  for (let n = 0; n < 8; n++) p.call(p.nr.prctl, 24, n);
  for (let n = 1; n < 5; n++) p.call(p.nr.kill, n, 9);
  p.call(p.nr.exit_group, 0);
  p.place(p.fail);
  p.call(p.nr.write, 3, ERROR_MESSAGE, 12).ignoreError();
  p.call(p.nr.exit_group, 99);
  const only = { stages: [{ name: "only", steps: [{ kind: "x", from: "" }] }] };
  const text = explainProgram(only, p, describe, "text");
  expect(text.split("\n").slice(2, 7)).toEqual([
    "      0  prctl(PR_CAPBSET_DROP, {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_KILL,",
    "           CAP_SETGID, CAP_SETUID})",
    "      8  kill({1, 2, 3, 4}, SIGKILL)",
    "     12  exit_group(0)",
    "     13  write(3, {Failed, operation, errno}, 12)  (error ignored)",
  ]);
  expect(JSON.parse(explainProgram(only, p, describe, "json")).stages[0].steps[0].operations).toHaveLength(15);
});
