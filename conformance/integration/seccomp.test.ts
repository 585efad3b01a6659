import { expect, test } from "bun:test";
import type { Edit } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { prints, run } = containers("seccomp");

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

/** A filter that allows all but what the rules say. */
const filter =
  (rules: Rule[], more: Record<string, unknown> = {}): Edit =>
  (config) => {
    config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: rules, ...more };
  };

const deny = (names: string[], errnoRet?: number): Rule => ({ names, action: "SCMP_ACT_ERRNO", errnoRet });
const mkdir = ["mkdir", "mkdirat"];
const tryMkdir = "mkdir /tmp/x 2>&1; true";

/** chmod(2) has its mode, and fchmodat(2) too, where a comparison can see it. */
const chmodRule = (op: string, value: number, valueTwo?: number): Rule[] => [
  { names: ["chmod"], action: "SCMP_ACT_ERRNO", errnoRet: 5, args: [{ index: 1, value, valueTwo, op }] },
  { names: ["fchmodat"], action: "SCMP_ACT_ERRNO", errnoRet: 5, args: [{ index: 2, value, valueTwo, op }] },
];

const rows: [name: string, script: string, edit: Edit, expected: RegExp][] = [
  ["a filter that denies nothing changes nothing", "mkdir /tmp/x && echo made", filter([]), /^made$/],
  ["a call is denied with EPERM unless said", tryMkdir, filter([deny(mkdir)]), /Operation not permitted/],
  ["a call is denied with the errno of the rule", tryMkdir, filter([deny(mkdir, 28)]), /No space left/],
  ["unknown calls in a rule are skipped", tryMkdir, filter([deny(["banana", ...mkdir], 28)]), /No space left/],
  ["the mode of the process says filter", "grep Seccomp: /proc/self/status", filter([]), /2$/],
  [
    "a program under a filter that logs goes on",
    "mkdir /tmp/x && echo made",
    filter([{ names: mkdir, action: "SCMP_ACT_LOG" }]),
    /^made$/,
  ],
  [
    "architectures are named",
    tryMkdir,
    filter([deny(mkdir, 28)], { architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"] }),
    /No space left/,
  ],
  [
    "EQ denies the equal value",
    "touch /tmp/f; chmod 700 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_EQ", 0o700)),
    /Input\/output/,
  ],
  [
    "EQ lets another value through",
    "touch /tmp/f; chmod 701 /tmp/f && echo done",
    filter(chmodRule("SCMP_CMP_EQ", 0o700)),
    /^done$/,
  ],
  [
    "NE denies another value",
    "touch /tmp/f; chmod 701 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_NE", 0o700)),
    /Input\/output/,
  ],
  [
    "GT denies the greater",
    "touch /tmp/f; chmod 701 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_GT", 0o700)),
    /Input\/output/,
  ],
  [
    "GT lets the equal through",
    "touch /tmp/f; chmod 700 /tmp/f && echo done",
    filter(chmodRule("SCMP_CMP_GT", 0o700)),
    /^done$/,
  ],
  [
    "GE denies the equal",
    "touch /tmp/f; chmod 700 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_GE", 0o700)),
    /Input\/output/,
  ],
  [
    "LT denies the smaller",
    "touch /tmp/f; chmod 600 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_LT", 0o700)),
    /Input\/output/,
  ],
  [
    "LE denies the equal",
    "touch /tmp/f; chmod 700 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_LE", 0o700)),
    /Input\/output/,
  ],
  [
    "MASKED_EQ denies what has the bit",
    "touch /tmp/f; chmod 4700 /tmp/f 2>&1; true",
    filter(chmodRule("SCMP_CMP_MASKED_EQ", 0o4000, 0o4000)),
    /Input\/output/,
  ],
  [
    "MASKED_EQ lets what hasn't the bit through",
    "touch /tmp/f; chmod 700 /tmp/f && echo done",
    filter(chmodRule("SCMP_CMP_MASKED_EQ", 0o4000, 0o4000)),
    /^done$/,
  ],
];

for (const [name, script, edit, expected] of rows) {
  test(name, () => expect(prints(script, edit)).toMatch(expected));
  test(`${name}, with new privileges possible too`, () => {
    const seen = prints(script, (config) => {
      edit(config);
      config.process.noNewPrivileges = false;
    });
    expect(seen).toMatch(expected);
  });
}

for (const action of ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"]) {
  test(`${action} ends the process with SIGSYS`, () => {
    expect(prints("(mkdir /tmp/x) 2>/dev/null; echo $?", filter([{ names: mkdir, action }]))).toBe("159");
  });
}

/** What a shell and its tools need: not to make a directory. */
const usualCalls =
  "access arch_prctl brk capget capset chdir clone clone3 close close_range dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait execve exit exit_group faccessat faccessat2 fchdir fchown fcntl fork fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getpid getppid gettid getuid ioctl lseek lstat madvise mmap mprotect munmap nanosleep newfstatat open openat openat2 pipe pipe2 poll prctl pread64 prlimit64 read readlink readlinkat restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield seccomp set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack stat statfs statx tgkill time uname vfork wait4 write writev".split(
    " ",
  );

for (const [defaultErrnoRet, said] of [
  [undefined, "Operation not permitted"],
  [28, "No space left on device"],
] as const) {
  test(`a list of allowed calls denies all others with ${said}, and the program still starts`, () => {
    const seen = prints("ls /proc >/dev/null && echo listed; mkdir /tmp/x 2>&1; true", (config) => {
      const syscalls = [{ names: usualCalls, action: "SCMP_ACT_ALLOW" }];
      config.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet, syscalls };
    });
    expect(seen).toMatch(new RegExp(`^listed\\n.*${said}$`));
  });
}

const invalid: [name: string, seccomp: Record<string, unknown>, pointer: string][] = [
  ["an unknown action", { defaultAction: "SCMP_ACT_BANANA" }, "/linux/seccomp/defaultAction"],
  [
    "an unknown architecture",
    { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_BANANA"], syscalls: [deny(mkdir)] },
    "/linux/seccomp/architectures/0",
  ],
  [
    "an unknown operator",
    { defaultAction: "SCMP_ACT_ALLOW", syscalls: chmodRule("SCMP_CMP_BANANA", 1) },
    "/linux/seccomp/syscalls/0/args/0/op",
  ],
  [
    "an argument with index 6",
    {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ ...deny(mkdir), args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] }],
    },
    "/linux/seccomp/syscalls/0/args/0/index",
  ],
  [
    "an errno above 4095",
    { defaultAction: "SCMP_ACT_ALLOW", syscalls: [deny(mkdir, 70_000)] },
    "/linux/seccomp/syscalls/0/errnoRet",
  ],
];

for (const [name, seccomp, pointer] of invalid) {
  const edit: Edit = (config) => {
    config.linux.seccomp = seccomp;
  };
  test(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).not.toBe("");
  });
  needs("json pointers")(`${name} is told with its place`, () => expect(run("true", edit).stderr).toContain(pointer));
}
