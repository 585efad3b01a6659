import { describe, expect, test } from "bun:test";
import { EBADF, ENOENT, ENOSYS, ENOTDIR, ETIMEDOUT } from "../../native-bindings/errno.ts";
import { type Arch, hostArch } from "../../native-bindings/syscall-numbers.ts";
import { load, ProgramBuilder } from "./builder.ts";
import { ERROR_MESSAGE, MESSAGE_BYTES, Message } from "./layout.ts";
import { cannotRun, failure, runProgram } from "./spawn-for-test.ts";

const AT_FDCWD = -100;
const FAILED = 99;

/** Reports to standard output what real programs report to their sync socket. */
function tail(p: ProgramBuilder): void {
  p.place(p.fail);
  p.call(p.nr.write, 1, ERROR_MESSAGE, MESSAGE_BYTES).ignoreError();
  p.call(p.nr.exit_group, FAILED);
}

function print(p: ProgramBuilder, text: string): ProgramBuilder {
  return p.call(p.nr.write, 1, p.string(text), text.length);
}

function exit(p: ProgramBuilder, status: number): void {
  p.call(p.nr.exit_group, status);
}

const outcome = (p: ProgramBuilder) => {
  const { exitCode, stdout } = runProgram(p);
  return [new TextDecoder().decode(stdout), exitCode];
};

for (const arch of ["x86_64", "aarch64"] as const satisfies Arch[]) {
  const reason = cannotRun(arch);
  describe.skipIf(reason !== undefined)(reason === undefined ? arch : `${arch} (skipped: ${reason})`, () => {
    test("a program writes and exits with its status", () => {
      const p = new ProgramBuilder(arch);
      print(p, "hello");
      exit(p, 7);
      tail(p);
      expect(outcome(p)).toEqual(["hello", 7]);
    });

    test("an errno chooses the branch", () => {
      const p = new ProgramBuilder(arch);
      const fd = p.slot("fd");
      const [choose, absent] = [p.label(), p.label()];
      p.call(p.nr.openat, AT_FDCWD, p.string("/nonexistent/file"), 0).save(fd).onError(choose);
      exit(p, 1);
      p.place(choose);
      p.jumpIfErrno(fd, ENOTDIR, p.fail);
      p.jumpIfErrno(fd, ENOENT, absent);
      exit(p, 2);
      p.place(absent);
      print(p, "absent");
      exit(p, 0);
      tail(p);
      expect(outcome(p)).toEqual(["absent", 0]);
    });

    test("a failure reports the operation and its errno; comparing errnos in between does not change them", () => {
      const p = new ProgramBuilder(arch);
      const result = p.slot("result");
      const choose = p.label();
      p.call(p.nr.getpid);
      p.call(p.nr.close, 1000).save(result).onError(choose);
      p.place(choose);
      p.jumpIfErrno(result, ENOENT, choose);
      p.jump(p.fail);
      tail(p);
      const { exitCode, stdout } = runProgram(p);
      expect(exitCode).toBe(FAILED);
      expect(failure(stdout)).toEqual({ tag: Message.Failed, operation: 1, errno: EBADF });
    });

    test("an operation that raises is the one that is reported", () => {
      const p = new ProgramBuilder(arch);
      p.call(p.nr.close, 1000).ignoreError();
      p.raise(ETIMEDOUT);
      tail(p);
      expect(failure(runProgram(p).stdout)).toEqual({ tag: Message.Failed, operation: 1, errno: ETIMEDOUT });
    });

    test("a loop ends when a read gives zero", () => {
      const p = new ProgramBuilder(arch);
      const [fds, byte] = [p.space(8), p.space(1)];
      const [again, end] = [p.label(), p.label()];
      p.call(p.nr.pipe2, fds, 0);
      p.call(p.nr.write, load(fds + 4), p.string("abc"), 3);
      p.call(p.nr.close, load(fds + 4));
      p.place(again);
      p.call(p.nr.read, load(fds), byte, 1).onZero(end);
      p.call(p.nr.write, 1, byte, 1);
      print(p, ".");
      p.jump(again);
      p.place(end);
      exit(p, 0);
      tail(p);
      expect(outcome(p)).toEqual(["a.b.c.", 0]);
    });

    test("saved values are sign-extended, stored in four bytes and no more, and may be initial ones", () => {
      const p = new ProgramBuilder(arch);
      const words = p.dataWords([-1, 0x55555555]);
      const preset = p.slot("status", 41);
      p.call(p.nr.dup3, 1, 1).save(words).ignoreError();
      // A 64-bit store above would have wiped the second word.
      p.call(-1, load(words + 4), 0x55555555).onZero(p.fail);
      exit(p, 1);
      p.place(p.fail);
      p.call(p.nr.exit_group, load(preset));
      expect(outcome(p)).toEqual(["", 41]);
    });

    test("all six arguments arrive", () => {
      const p = new ProgramBuilder(arch);
      const fds = p.space(8);
      const buffer = p.space(8);
      p.call(p.nr.pipe2, fds, 0);
      p.call(p.nr.openat, AT_FDCWD, p.string("/proc/self/exe"), 0).save(buffer + 4);
      // Copies the image's first four bytes into the pipe, from an offset that is null.
      p.call(p.nr.splice, load(buffer + 4), 0, load(fds + 4), 0, 4, 0);
      p.call(p.nr.read, load(fds), buffer, 4);
      p.call(p.nr.write, 1, buffer, 4);
      exit(p, 0);
      tail(p);
      expect(outcome(p)).toEqual(["\x7fELF", 0]);
    });

    test("a program with neither strings nor results is loaded", () => {
      const p = new ProgramBuilder(arch);
      exit(p, 3);
      p.place(p.fail);
      expect(outcome(p)).toEqual(["", 3]);
    });

    test("a program larger than a page of operations and of data runs to its end", () => {
      const p = new ProgramBuilder(arch);
      p.space(70_000);
      p.string("x".repeat(70_000));
      const last = p.slot("last");
      for (let i = 0; i < 2000; i++) p.call(p.nr.getpid).save(last);
      print(p, "end");
      exit(p, 0);
      tail(p);
      expect(outcome(p)).toEqual(["end", 0]);
    });

    test("a cloned child takes the zero branch; qemu-user answers clone3 with ENOSYS, which is reported", () => {
      const p = new ProgramBuilder(arch);
      const [pid, status] = [p.slot("pid"), p.slot("status")];
      const pidfd = p.slot("pidfd");
      const child = p.label();
      const cloneArgs = new Int32Array(22);
      cloneArgs[0] = 0x1000; // CLONE_PIDFD
      cloneArgs[2] = pidfd;
      cloneArgs[8] = 17; // exit signal SIGCHLD
      p.call(p.nr.clone3, p.constantWords([...cloneArgs]), 88)
        .save(pid)
        .onZero(child);
      p.call(p.nr.wait4, load(pid), status, 0, 0);
      p.call(p.nr.close, load(pidfd));
      print(p, "parent");
      p.call(-1, load(status), 5 << 8).onZero(p.fail);
      exit(p, 1);
      p.place(child);
      print(p, "child ");
      exit(p, 5);
      p.place(p.fail);
      p.call(p.nr.write, 1, ERROR_MESSAGE, MESSAGE_BYTES).ignoreError();
      exit(p, 0);
      const { stdout } = runProgram(p);
      const text = new TextDecoder().decode(stdout.subarray(0, 12));
      if (arch === hostArch) expect(text).toBe("child parent");
      else expect(failure(stdout)).toEqual({ tag: Message.Failed, operation: 0, errno: ENOSYS });
    });
  });
}
