import { describe, expect, test } from "bun:test";
import { ENOENT } from "../../native-bindings/errno.ts";
import { load, ProgramBuilder } from "./builder.ts";
import { checkProgram } from "./check-program.ts";
import { CONSTANT_BASE, DATA_BASE, ERROR_MESSAGE, MESSAGE_BYTES, OPERATIONS_ADDRESS } from "./layout.ts";

const CLOEXEC = 0o2000000;
const AT_FDCWD = -100;

type Write = (p: ProgramBuilder, nr: ProgramBuilder["nr"]) => void;

/** What the checker says of a program that `write` begins and that ends properly. */
function faults(write: Write, forbidden?: (nr: number) => boolean): string[] {
  const p = new ProgramBuilder("x86_64");
  write(p, p.nr);
  p.call(p.nr.exit_group, 0);
  tail(p);
  return checkProgram(p, forbidden).map(({ operation, what }) => `${operation}: ${what}`);
}

function tail(p: ProgramBuilder): void {
  p.place(p.fail);
  p.call(p.nr.write, 3, ERROR_MESSAGE, MESSAGE_BYTES).ignoreError();
  p.call(p.nr.exit_group, 99);
}

function openFile(p: ProgramBuilder, flags = CLOEXEC): ProgramBuilder {
  return p.call(p.nr.openat, AT_FDCWD, p.string("/file"), flags);
}

function execTrue(p: ProgramBuilder): ProgramBuilder {
  return p.call(p.nr.execve, p.string("/bin/true"), p.stringArray(["true"]), p.stringArray([]));
}

function openHow(p: ProgramBuilder, flags: number): number {
  return p.constant(new Uint8Array(new BigUint64Array([BigInt(flags), 0n, 0x10n]).buffer));
}

test("a program like a real one has no faults", () => {
  const found = faults((p, nr) => {
    const [child, missing, choose, again, seen, exec, end] = Array.from({ length: 7 }, () => p.label()) as number[];
    const [pid, status, fds] = [p.slot("pid"), p.slot("status"), p.space(8)];
    const cloneArgs = new Int32Array(22);
    cloneArgs[0] = 0x1000;
    cloneArgs[2] = p.slot("pidfd");
    p.call(nr.clone3, p.constantWords([...cloneArgs]), 88)
      .save(pid)
      .onZero(child!);
    p.call(nr.wait4, load(pid), status, 0x40000000, 0);
    p.xor(load(status), 0).onZero(end!);
    p.call(nr.pidfd_send_signal, load(cloneArgs[2]!), 9, 0, 0);
    p.raise(5);
    p.place(child!);
    const target = p.slot("target");
    p.place(again!);
    p.call(nr.openat2, AT_FDCWD, p.string("proc"), openHow(p, CLOEXEC), 24).save(target).onError(choose!);
    p.jump(seen!);
    p.place(choose!);
    p.jumpIfErrno(target, ENOENT, missing!);
    p.jump(p.fail);
    p.place(missing!);
    p.call(nr.mkdirat, AT_FDCWD, p.string("proc"), 0o755).ignoreError();
    p.jump(again!);
    p.place(seen!);
    p.call(nr.fchdir, load(target));
    p.call(nr.pipe2, fds, CLOEXEC);
    p.call(nr.dup3, load(fds), 0, 0);
    const remembered = p.slot("remembered", 0);
    p.xor(load(remembered), 0).onZero(exec!);
    p.place(exec!);
    execTrue(p);
    p.place(end!);
  });
  expect(found).toEqual([]);
});

describe("ways", () => {
  test("a label without a place", () => {
    expect(faults((p, nr) => p.call(nr.getpid).onZero(p.label()))).toEqual(["0: leads to a label without a place"]);
  });

  test("a target between operations, and one behind the list", () => {
    const [between, behind] = [OPERATIONS_ADDRESS + 4, OPERATIONS_ADDRESS + 48 * 100];
    expect(faults((p, nr) => p.call(nr.getpid).onZero(between))).toEqual(["0: leads to no operation on a zero result"]);
    expect(faults((p, nr) => p.call(nr.getpid).onError(behind))).toContain("0: leads to no operation on an error");
  });

  test("an operation that nothing leads to", () => {
    const found = faults((p, nr) => {
      p.jump(p.fail);
      p.call(nr.getpid);
    });
    expect(found).toEqual(["1: no operation leads here", "2: no operation leads here"]);
  });

  test("a path that runs off the end", () => {
    const p = new ProgramBuilder("x86_64");
    p.place(p.fail);
    p.call(p.nr.getpid);
    expect(checkProgram(p).map((fault) => fault.what)).toEqual([
      "runs off the end of the list on a zero result",
      "runs off the end of the list on a positive result",
    ]);
  });

  test("a system call that the architecture does not have, and a program without operations", () => {
    expect(faults((p) => p.call(5000))).toEqual(["0: system call 5000 is unknown on x86_64"]);
    const empty = new ProgramBuilder("x86_64");
    expect(checkProgram(empty)).toEqual([{ operation: 0, what: "there are no operations" }]);
  });

  test("an endless loop is a way to end", () => {
    const p = new ProgramBuilder("x86_64");
    p.place(p.fail);
    const again = p.label();
    p.place(again);
    p.call(p.nr.getpid).onZero(again);
    p.jump(again);
    expect(checkProgram(p)).toEqual([]);
  });
});

describe("saved values", () => {
  test("a value that is read before anything is saved", () => {
    expect(faults((p, nr) => p.call(nr.close, load(p.slot("fd"))))).toEqual([
      "0: reads $fd, which is not written on every way here",
    ]);
  });

  test("a value that only one of two ways saves", () => {
    const found = faults((p, nr) => {
      const [fd, skip] = [p.slot("fd"), p.label()];
      p.call(nr.getppid).onZero(skip);
      openFile(p).save(fd);
      p.place(skip);
      p.call(nr.close, load(fd));
    });
    expect(found).toEqual(["2: reads $fd, which is not written on every way here"]);
  });

  test("a slot with an initial value, even zero, may be read at once; one without may not", () => {
    expect(faults((p) => p.xor(load(p.slot("seen", 0)), 0))).toEqual([]);
    expect(faults((p) => p.xor(load(p.slot("seen")), 0))).toHaveLength(1);
  });

  test("an error that is used as a descriptor", () => {
    const found = faults((p, nr) => {
      const fd = p.slot("fd");
      openFile(p).save(fd).ignoreError();
      p.call(nr.fchdir, load(fd));
    });
    expect(found).toEqual(["1: uses $fd as a descriptor, but on some way it is an error"]);
  });

  test("a descriptor that was tested for an error first", () => {
    const found = faults((p, nr) => {
      const [fd, skip] = [p.slot("fd"), p.label()];
      openFile(p).save(fd).ignoreError();
      p.xor(load(fd), 0).onError(skip);
      p.call(nr.fchdir, load(fd));
      p.place(skip);
    });
    expect(found).toEqual([]);
  });

  test("what the kernel writes counts only where the call succeeded, and a pidfd not in the child", () => {
    const pipe = faults((p, nr) => {
      const fds = p.space(8);
      p.call(nr.pipe2, fds, CLOEXEC).ignoreError();
      p.call(nr.close, load(fds + 4));
    });
    expect(pipe).toEqual(["1: reads $data+0x14, which is not written on every way here"]);
    const child = faults((p, nr) => {
      const pidfd = p.slot("pidfd");
      p.call(nr.clone3, p.constantWords([0x1000, 0, pidfd, ...new Array(19).fill(0)]), 88);
      p.call(nr.close, load(pidfd));
    });
    expect(child).toEqual(["1: reads $pidfd, which is not written on every way here"]);
  });
});

test("a comparison whose signs differ would be reported as an error that no call gave", () => {
  const said = "compares $fd with another sign: that is reported as an error";
  const good = faults((p) => {
    const fd = p.slot("fd");
    openFile(p).save(fd);
    p.jumpIfErrno(fd, ENOENT, p.fail);
  });
  expect(good).toEqual([`1: ${said}`]);
  // The low half of a number from the kernel: f_type of btrfs has its highest bit set.
  const fromKernel = (ignore: boolean) =>
    faults((p, nr) => {
      const status = p.space(120);
      p.slotNames.set(status, "fd");
      p.call(nr.statfs, p.string("/"), status);
      p.xor(load(status), 0x9fa0).onZero(p.fail);
      if (ignore) p.ignoreError();
    });
  expect(fromKernel(false)).toEqual([`1: ${said}`]);
  expect(fromKernel(true)).toEqual([]);
});

test("a call that gives zero or an error is not followed as if it gave more", () => {
  const found = faults((p, nr) => {
    const [made, on] = [p.slot("made"), p.label()];
    p.call(nr.mkdirat, AT_FDCWD, p.string("x"), 0o755).save(made).ignoreError().onZero(on);
    p.jumpIfErrno(made, ENOENT, on);
    p.place(on);
  });
  expect(found).toEqual([]);
});

test("with shared memory, what a clone's child saves may be an error in its parent", () => {
  const vfork = (flags: number) =>
    faults((p, nr) => {
      const [child, fd] = [p.label(), p.slot("fd", 0)];
      p.call(nr.clone3, p.constantWords([flags, ...new Array(21).fill(0)]), 88).onZero(child);
      p.call(nr.fchdir, load(fd));
      p.call(nr.exit_group, 0);
      p.place(child);
      openFile(p).save(fd);
    });
  expect(vfork(0x4100)).toEqual(["1: uses $fd as a descriptor, but on some way it is an error"]);
  expect(vfork(0x4000)).toEqual([]);
});

describe("addresses", () => {
  const cases: readonly (readonly [name: string, expected: string, write: Write])[] = [
    ["a path that is null", "path of chdir is null", (p, nr) => p.call(nr.chdir, 0)],
    ["a path outside the image", "path of chdir is no string of the program", (p, nr) => p.call(nr.chdir, 4096)],
    [
      "a string without an end",
      "path of chdir is no string of the program",
      (p, nr) => p.call(nr.chdir, p.constant(Uint8Array.of(47, 47))),
    ],
    [
      "data longer than the image",
      "name of sethostname reaches outside the program",
      (p, nr) => p.call(nr.sethostname, p.string("box"), 5000),
    ],
    [
      "constants that the kernel would write",
      "fds of pipe2 is written by the kernel, but lies in the constants",
      (p, nr) => p.call(nr.pipe2, p.constantWords([0, 0]), CLOEXEC),
    ],
    [
      "a result over the error message",
      "fds of pipe2 is written by the kernel, over the error message",
      (p, nr) => p.call(nr.pipe2, p.slot("x") - 12, CLOEXEC),
    ],
    [
      "a structure cut short",
      "how of openat2 reaches outside the program",
      (p, nr) => p.call(nr.openat2, AT_FDCWD, p.string("x"), p.constantWords([CLOEXEC, 0]), 24),
    ],
    [
      "a structure's wrong size",
      "how of openat2 has 24 bytes, not 16",
      (p, nr) => p.call(nr.openat2, AT_FDCWD, p.string("x"), openHow(p, CLOEXEC), 16),
    ],
    [
      "a pointer in a structure",
      "program of seccomp has a field filter that lies outside the program",
      (p, nr) => p.call(nr.seccomp, 1, 0, p.constantWords([1, 0, 4096, 0])),
    ],
    [
      "an array without an end",
      "argv of execve is an array without an end",
      (p, nr) =>
        p
          .call(nr.getpid)
          .call(nr.execve, p.string("/x"), p.constantWords([p.string("x"), 0]), 0)
          .ignoreError(),
    ],
    [
      "a saved value as an address",
      "path of chdir is an address, and saved values have only 32 bits",
      (p, nr) => p.call(nr.chdir, load(p.slot("x", 1))),
    ],
    [
      "a result outside the data",
      "the result is saved outside the data",
      (p, nr) => p.call(nr.getpid).save(CONSTANT_BASE),
    ],
    ["a result on the tag", "the result is saved over the error message", (p, nr) => p.call(nr.getpid).save(DATA_BASE)],
    [
      "an argument from outside the data",
      "argument 0 is loaded from outside the data",
      (p, nr) => p.call(nr.close, load(p.string("abcdefg"))),
    ],
  ];
  for (const [name, expected, write] of cases) {
    test(name, () => expect(faults(write).map((fault) => fault.replace(/^\d+: /, ""))).toContain(expected));
  }
});

describe("descriptors", () => {
  const leaked = "makes a descriptor that is not close-on-exec and still open at the execve of operation";

  const made: readonly (readonly [string, Write])[] = [
    ["openat", (p) => openFile(p, 0)],
    ["openat2", (p, nr) => p.call(nr.openat2, AT_FDCWD, p.string("x"), openHow(p, 0), 24)],
    ["open_tree", (p, nr) => p.call(nr.open_tree, AT_FDCWD, p.string("x"), 1)],
    ["fsopen", (p, nr) => p.call(nr.fsopen, p.string("proc"), 0)],
    ["fsmount", (p, nr) => p.call(nr.fsmount, 5, 0, 0)],
    ["socket", (p, nr) => p.call(nr.socket, 1, 1, 0)],
    ["accept4", (p, nr) => p.call(nr.accept4, 5, 0, 0, 0)],
    ["memfd_create", (p, nr) => p.call(nr.memfd_create, p.string("x"), 2)],
    ["dup", (p, nr) => p.call(nr.dup, 5)],
    ["dup3 above 2", (p, nr) => p.call(nr.dup3, 5, 9, 0)],
    ["fcntl F_DUPFD", (p, nr) => p.call(nr.fcntl, 5, 0, 10)],
    ["ioctl TIOCGPTPEER", (p, nr) => p.call(nr.ioctl, 5, 0x5441, 2)],
  ];
  for (const [name, write] of made) {
    test(`${name} without close-on-exec is a leak`, () => {
      expect(beforeExec(write)).toEqual([`0: ${leaked} 1`]);
    });
  }

  /** Faults of what comes before an execve. */
  function beforeExec(write: Write): string[] {
    const p = new ProgramBuilder("x86_64");
    write(p, p.nr);
    execTrue(p);
    tail(p);
    return checkProgram(p).map(({ operation, what }) => `${operation}: ${what}`);
  }

  test("a descriptor that one way leaves open is a leak", () => {
    const found = beforeExec((p, nr) => {
      const [fd, skip] = [p.slot("fd"), p.label()];
      openFile(p, 0).save(fd);
      p.call(nr.getppid).onZero(skip);
      p.call(nr.close, load(fd));
      p.place(skip);
    });
    expect(found).toEqual([`0: ${leaked} 3`]);
  });

  test("closing one end of a pipe leaves the other", () => {
    const found = beforeExec((p, nr) => {
      const fds = p.space(8);
      p.call(nr.pipe2, fds, 0);
      p.call(nr.close, load(fds));
    });
    expect(found).toEqual([`0: ${leaked} 2`]);
  });

  test("closed, marked, or covered by close_range is not a leak, nor is a standard stream", () => {
    const ends: Write[] = [(p, nr) => p.call(nr.close_range, 3, -1, 4), (p, nr) => p.call(nr.close_range, 3, -1, 0)];
    for (const end of ends) expect(beforeExec((p, nr) => [openFile(p, 0), end(p, nr)])).toEqual([]);
    const closed = beforeExec((p, nr) => {
      const [first, second] = [p.slot("first"), p.slot("second")];
      openFile(p, 0).save(first);
      openFile(p, 0).save(second);
      p.call(nr.close, load(first)).ignoreError();
      p.call(nr.fcntl, load(second), 2, 1);
      p.call(nr.dup3, 5, 2, 0);
    });
    expect(closed).toEqual([]);
  });
});

describe("seccomp", () => {
  const filter = (p: ProgramBuilder) => p.call(p.nr.seccomp, 1, 0, p.constantWords([1, 0, p.constantWords([6, 0]), 0]));

  test("what follows the filter and is refused by it is told, what precedes it is not", () => {
    const found = faults(
      (p, nr) => {
        p.call(nr.sethostname, p.string("box"), 3);
        filter(p);
        p.call(nr.setsid);
      },
      (nr) => [112, 170, 1].includes(nr),
    );
    expect(found).toEqual([
      "2: setsid is refused by the seccomp filter of operation 1",
      "4: write is refused by the seccomp filter of operation 1",
    ]);
  });

  test("where the filter could not be installed, nothing is refused", () => {
    const found = faults(filter, (nr) => nr === 1);
    expect(found).toEqual([]);
  });
});
