import { expect, test } from "bun:test";
import { syscallNumbers } from "../../native-bindings/syscall-numbers.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { ERROR_MESSAGE, Message } from "../program/layout.ts";
import { readableCall, readableOperation } from "./readable-operation.ts";

const nr = syscallNumbers("x86_64");

/** The only operation of a program that `write` writes down. */
function shown(write: (p: ProgramBuilder) => void, given?: Record<string, number>): string {
  const p = new ProgramBuilder("x86_64");
  write(p);
  p.call(p.nr.exit_group, 0);
  p.place(p.fail);
  p.call(p.nr.exit_group, 99);
  return readableOperation(p, 0, given);
}

test("an openat2 shows its structure's fields by name and saved values as $name", () => {
  const how = new Uint8Array(new BigUint64Array([0o12000000n, 0n, 0x10n]).buffer);
  const line = shown((p) => {
    const [rootfs, target] = [p.slot("rootfs"), p.slot("target")];
    p.call(nr.openat2, load(rootfs), p.string("dev/pts"), p.constant(how), 24).save(target);
  });
  expect(line).toBe('openat2($rootfs, "dev/pts", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}, 24) = $target');
});

const lines: readonly (readonly [string, (p: ProgramBuilder) => void])[] = [
  [
    'mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)',
    (p) => p.call(nr.mount, p.string("proc"), p.string("/proc"), p.string("proc"), 14, 0),
  ],
  ["prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)", (p) => p.call(nr.prctl, 24, 21)],
  ["prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)", (p) => p.call(nr.prctl, 47, 4)],
  ["setresuid(-1, 0, 65534)", (p) => p.call(nr.setresuid, -1, 0, 65534)],
  ["close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)", (p) => p.call(nr.close_range, 3, 0xffffffff, 4)],
  [
    'mknodat(AT_FDCWD, "null", S_IFCHR|0666, makedev(1, 3))',
    (p) => p.call(nr.mknodat, -100, p.string("null"), 0o20666, 0x103),
  ],
  ['mkdirat(AT_FDCWD, "größe", 0755)', (p) => p.call(nr.mkdirat, -100, p.string("größe"), 0o755)],
  ['sethostname("box", 3)', (p) => p.call(nr.sethostname, p.string("box"), 3)],
  ['write(1, "a\\n", 2)', (p) => p.call(nr.write, 1, p.string("a\n"), 2)],
  ['write(1, "\\xff\\xfe", 2)', (p) => p.call(nr.write, 1, p.constant(Uint8Array.of(255, 254)), 2)],
  ["write(1, {Failed, operation, errno}, 12)", (p) => p.call(nr.write, 1, ERROR_MESSAGE, 12)],
  [
    "prlimit64(0, RLIMIT_NOFILE, {soft=1024, hard=RLIM_INFINITY}, NULL)",
    (p) => p.call(nr.prlimit64, 0, 7, p.constantWords([1024, 0, -1, -1]), 0),
  ],
  [
    "capset({version=0x20080522}, {effective=CAP_KILL|CAP_BPF, inheritable=CAP_CHOWN})",
    (p) => p.call(nr.capset, p.constantWords([0x20080522, 0]), p.constantWords([0x20, 0, 1, 0x80, 0, 0])),
  ],
  [
    'execve("/bin/sh", ["sh", "-c", "true"], [/* 2 vars */])',
    (p) => p.call(nr.execve, p.string("/bin/sh"), p.stringArray(["sh", "-c", "true"]), p.stringArray(["A=1", "B=2"])),
  ],
  ["pipe2(&data+0x10, O_CLOEXEC)", (p) => p.call(nr.pipe2, p.space(8), 0o2000000)],
  ["wait4(-1, &status, __WALL, NULL)", (p) => p.call(nr.wait4, -1, p.slot("status"), 0x40000000)],
  ["syscall_5000(1, 0, 0, 0, 0, 0)", (p) => p.call(5000, 1)],
  ["raise ETIMEDOUT", (p) => p.raise(110)],
  ["goto", (p) => p.jump(p.fail)],
  ["if $fd == ENOENT", (p) => p.jumpIfErrno(p.slot("fd"), 2, p.fail)],
  ["if $status == 0", (p) => p.xor(load(p.slot("status")), 0).onZero(p.fail)],
  ["raise $status, if an error", (p) => p.xor(load(p.slot("status")), 0)],
  ['if $cwd == "(unr"', (p) => p.xor(load(p.slot("cwd")), 0x726e7528).onZero(p.fail)],
  ["$seen = EISDIR", (p) => p.xor(-21, 0).save(p.slot("seen"))],
  ["setgroups(2, [5, 1000])", (p) => p.call(nr.setgroups, 2, p.constantWords([5, 1000]))],
  ["prctl(PR_CAPBSET_DROP, 63)", (p) => p.call(nr.prctl, 24, 63)],
  ["$copy = $fd", (p) => p.xor(load(p.slot("fd")), 0).save(p.slot("copy"))],
];

for (const [expected, write] of lines) {
  test(`it is written as ${expected}`, () => expect(shown(write)).toBe(expected));
}

test("a field that an operation saves into is shown as that saved value", () => {
  const line = shown((p) => {
    const events = p.dataWords([0, 1]);
    p.slotNames.set(events, "pidfd");
    p.call(nr.ppoll, events, 1, p.dataWords([2, 0, 0, 0]), 0, 8);
  });
  expect(line).toBe("ppoll({fd=$pidfd, events=POLLIN}, 1, {seconds=2}, NULL, 8)");
});

test("a message shows its tag and the saved value that it carries", () => {
  const line = shown(
    (p) => {
      const message = p.dataWords([Message.Cloned, 0, 0]);
      p.slotNames.set(message + 4, "pid");
      p.call(nr.write, 3, message, 12);
    },
    { sync: 3 },
  );
  expect(line).toBe("write(3<sync>, {Cloned, $pid, 0}, 12)");
});

test("what a process's environment holds is never shown", () => {
  const line = shown((p) => p.call(nr.execve, p.string("/x"), p.stringArray([]), p.stringArray(["TOKEN=secret"])));
  expect(line).toBe('execve("/x", [], [/* 1 var */])');
});

test("a direct call is shown with its texts and flags", () => {
  expect(readableCall(nr.mount, ["proc", "/proc", "proc", 2, 0], "x86_64")).toBe(
    'mount("proc", "/proc", "proc", MS_NOSUID, NULL)',
  );
  expect(readableCall(nr.setns, [7, 0x40000000], "x86_64")).toBe("setns(7, CLONE_NEWNET)");
  expect(readableCall(nr.prctl, [38, 1, 0, 0, 0], "x86_64")).toBe("prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)");
  expect(readableCall(nr.getpid, [0, 0, 0, 0, 0, 0], "x86_64")).toBe("getpid()");
  expect(readableCall(5000, [1, "x"], "x86_64")).toBe('syscall_5000(1, "x")');
  expect(readableCall(nr.read, [3, 0x7fff12345678, 100], "x86_64")).toBe("read(3, 0x7fff12345678, 100)");
});
