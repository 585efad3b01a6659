import { expect, test } from "bun:test";
import { hostArch, SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp, LinuxSyscall } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { RET_ALLOW, RET_ERRNO, RET_KILL_PROCESS, RET_KILL_THREAD, RET_LOG, RET_TRACE, RET_TRAP } from "./actions.ts";
import { auditArch, nativeToken, X32, X32_BIT, X86_64 } from "./architectures.ts";
import { compileFilter } from "./compile-filter.ts";
import { libseccomp } from "./libseccomp.ts";
import { simulateFilter } from "./simulate-filter.ts";

const I386 = 0x40000003;
const AARCH64 = 0xc00000b7;
const native = auditArch(nativeToken());
const denied = RET_ERRNO | 1;
const notThere = RET_ERRNO | 38;

const allow = (...names: string[]): LinuxSyscall => ({ names, action: "SCMP_ACT_ALLOW" });

/** One rule whose comparisons are [index, operator, value, valueTwo]. */
function allowIf(name: string, ...args: [number, string, number | bigint, (number | bigint)?][]): LinuxSyscall {
  return {
    names: [name],
    action: "SCMP_ACT_ALLOW",
    args: args.map(([index, op, value, valueTwo]) => ({
      index,
      op: `SCMP_CMP_${op}` as "SCMP_CMP_EQ",
      value,
      valueTwo,
    })),
  };
}

/** The verdict on calls of this machine's architecture. */
function verdicts(seccomp: LinuxSeccomp) {
  const { bpf } = compileFilter(seccomp);
  return (nr: number, ...args: (number | bigint)[]) => simulateFilter(bpf, { nr, arch: native, args });
}

function faultOf(seccomp: unknown): { what: string; where: string | undefined } {
  try {
    compileFilter(seccomp as LinuxSeccomp);
  } catch (error) {
    if (error instanceof RuntimeFault) return { what: error.facts.what, where: error.facts.where };
    throw error;
  }
  throw new Error("it compiled");
}

/**
 * What a profile says of a call, read off the profile: the first rule that matches, else the default. Profiles given to it
 * have at most one matching rule, and no calls that 32-bit x86 multiplexes.
 */
function expected(seccomp: LinuxSeccomp, token: number, nr: number, args: bigint[]): number {
  const value = (action: string, errno = 1) => (action === "SCMP_ACT_ALLOW" ? RET_ALLOW : RET_ERRNO | errno);
  const rules = seccomp.syscalls ?? [];
  const number = (name: string) => libseccomp().resolveNameArch(token, name);
  const largest = Math.max(0, ...rules.flatMap((rule) => rule.names.map(number)));
  if (seccomp.defaultAction !== "SCMP_ACT_ALLOW" && nr > largest) return notThere;
  for (const rule of rules) {
    if (!rule.names.some((name) => number(name) === nr)) continue;
    const matches = (rule.args ?? []).every((arg) => {
      // To libseccomp an argument has 32 bits on a 32-bit architecture, x32 among them.
      const bits = (token & 0x80000000) === 0 ? 32 : 64;
      const actual = BigInt.asUintN(bits, args[arg.index]!);
      const value = BigInt.asUintN(bits, BigInt(arg.value));
      if (arg.op === "SCMP_CMP_EQ") return actual === value;
      if (arg.op === "SCMP_CMP_NE") return actual !== value;
      if (arg.op === "SCMP_CMP_GE") return actual >= value;
      if (arg.op === "SCMP_CMP_MASKED_EQ") return (actual & value) === BigInt(arg.valueTwo ?? 0);
      throw new Error(arg.op);
    });
    if (matches) return value(rule.action, rule.errnoRet);
  }
  return value(seccomp.defaultAction, seccomp.defaultErrnoRet);
}

/** Calls on which the filter and the profile disagree, over every number to 700 and some arguments. */
function disagreements(seccomp: LinuxSeccomp, token: number): string[] {
  const { bpf } = compileFilter(seccomp);
  const wrong: string[] = [];
  const bit = token === X32 ? X32_BIT : 0;
  for (let low = 0; low <= 700; low++) {
    for (const first of [0n, 1n, 8n, 0x20000n, 0x20008n, 0xffffffffn, 0x7e020000n, 1n << 40n, (1n << 64n) - 1n]) {
      const args = [first, 0x7e020000n, 40n, 0n, 0n, 0n];
      const nr = low + bit;
      const got = simulateFilter(bpf, { nr, arch: auditArch(token), args });
      const want = expected(seccomp, token, nr, args);
      if (got !== want) wrong.push(`${nr}(${first}): 0x${got.toString(16)}, not 0x${want.toString(16)}`);
    }
  }
  return wrong;
}

const everyday =
  "access alarm brk capget capset chdir chmod chown clock_gettime close close_range copy_file_range dup dup2 dup3 " +
  "epoll_create epoll_ctl epoll_wait eventfd2 execve execveat exit exit_group faccessat faccessat2 fchdir fchown fcntl fork " +
  "fstat fsync ftruncate futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom getuid inotify_init1 ioctl " +
  "kill lchown link lseek lstat madvise memfd_create mkdir mkdirat mknod mmap mprotect mremap munmap nanosleep newfstatat " +
  "open openat openat2 pause pidfd_open pipe pipe2 poll ppoll prctl pread64 prlimit64 pwrite64 read readlink readv rename " +
  "rt_sigaction rt_sigprocmask rt_sigreturn rseq sched_yield select sendfile set_robust_list set_tid_address setgid setuid " +
  "sigaltstack stat statfs statx symlink sync tgkill time truncate umask uname unlink unlinkat utimensat vfork wait4 waitid " +
  "write writev _newselect mmap2 stat64 fstat64 waitpid";

const allowList: LinuxSeccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    allow(...everyday.split(" ")),
    allowIf("personality", [0, "EQ", 0]),
    allowIf("personality", [0, "EQ", 8]),
    allowIf("personality", [0, "EQ", 0x20000]),
    allowIf("personality", [0, "EQ", 0x20008]),
    allowIf("personality", [0, "EQ", 0xffffffff]),
    allowIf("clone", [0, "MASKED_EQ", 0x7e020000, 0]),
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    allowIf("getrlimit", [0, "GE", 1n << 40n]),
    allowIf("setpriority", [0, "NE", 1], [2, "EQ", 40]),
  ],
};

const denyList: LinuxSeccomp = {
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: (
    "acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module get_kernel_syms get_mempolicy " +
    "init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount move_pages nfsservctl " +
    "open_by_handle_at perf_event_open pivot_root process_vm_readv process_vm_writev ptrace query_module quotactl reboot " +
    "request_key set_mempolicy setns settimeofday stime swapon swapoff sysfs _sysctl umount umount2 unshare uselib userfaultfd " +
    "ustat vm86 vm86old fsopen fsmount fsconfig move_mount open_tree mount_setattr name_to_handle_at fanotify_init vhangup syslog " +
    "chroot sethostname setdomainname"
  )
    .split(" ")
    .map((name) => ({ names: [name], action: "SCMP_ACT_ERRNO" as const })),
};

test.if(hostArch === "x86_64")(
  "an allow-list with arguments gives the profile's verdicts on three architectures",
  () => {
    expect(disagreements(allowList, X86_64)).toEqual([]);
    expect(disagreements(allowList, I386)).toEqual([]);
    expect(disagreements(allowList, X32)).toEqual([]);
  },
);

test.if(hostArch === "x86_64")(
  "a list of sixty denied calls gives the profile's verdicts on three architectures",
  () => {
    expect(denyList.syscalls!.length).toBeGreaterThan(55);
    expect(disagreements(denyList, X86_64)).toEqual([]);
    expect(disagreements(denyList, I386)).toEqual([]);
    expect(disagreements(denyList, X32)).toEqual([]);
  },
);

test("calls of an architecture that is not listed kill the thread", () => {
  const { bpf } = compileFilter({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["kexec_load"], action: "SCMP_ACT_ERRNO" }],
  });
  expect(simulateFilter(bpf, { nr: 3, arch: I386 })).toBe(RET_KILL_THREAD);
  expect(simulateFilter(bpf, { nr: SYS.read, arch: native })).toBe(RET_ALLOW);
});

test("the native architecture is in the filter though the profile lists only another", () => {
  const other = hostArch === "x86_64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
  const { bpf } = compileFilter({ defaultAction: "SCMP_ACT_ERRNO", architectures: [other], syscalls: [allow("read")] });
  expect(simulateFilter(bpf, { nr: SYS.read, arch: native })).toBe(RET_ALLOW);
  const read = hostArch === "x86_64" ? { nr: 63, arch: AARCH64 } : { nr: 0, arch: X86_64 };
  expect(simulateFilter(bpf, read)).toBe(RET_ALLOW);
  expect(simulateFilter(bpf, { ...read, nr: 60 + read.nr })).toBe(notThere);
});

test.if(hostArch === "x86_64")(
  "a denied socket family denies every 32-bit socketcall(SYS_SOCKET), whose arguments no filter sees",
  () => {
    const { bpf } = compileFilter({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86"],
      syscalls: [{ names: ["socket"], action: "SCMP_ACT_ERRNO", args: [{ index: 0, op: "SCMP_CMP_EQ", value: 40 }] }],
    });
    const call = (nr: number, arch: number, first: number) => simulateFilter(bpf, { nr, arch, args: [first] });
    expect([call(41, X86_64, 40), call(41, X86_64, 1)]).toEqual([denied, RET_ALLOW]);
    expect([call(359, I386, 40), call(359, I386, 1)]).toEqual([denied, RET_ALLOW]);
    // socketcall(SYS_SOCKET, pointer): what it points to is out of a filter's reach, so all of it is denied.
    expect([call(102, I386, 1), call(102, I386, 2)]).toEqual([denied, RET_ALLOW]);
  },
);

test("the same argument compared twice means either, different arguments mean both", () => {
  const either = verdicts({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allowIf("kill", [1, "EQ", 9], [1, "EQ", 15], [0, "EQ", 7])],
  });
  const kill = (pid: number, signal: number) => either(SYS.kill, pid, signal);
  expect([kill(1, 9), kill(1, 15), kill(7, 1), kill(1, 1)]).toEqual([RET_ALLOW, RET_ALLOW, RET_ALLOW, denied]);
  const both = verdicts({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [allowIf("kill", [1, "EQ", 9], [0, "EQ", 7])] });
  expect([both(SYS.kill, 7, 9), both(SYS.kill, 7, 1), both(SYS.kill, 1, 9)]).toEqual([RET_ALLOW, denied, denied]);
});

test("every operator compares all 64 bits", () => {
  const pivot = (1n << 63n) | 5n;
  const around = [5n, pivot - 1n, pivot, pivot + 1n];
  const table: Record<string, string> = { NE: "YYnY", LT: "YYnn", LE: "YYYn", EQ: "nnYn", GE: "nnYY", GT: "nnnY" };
  for (const [operator, row] of Object.entries(table)) {
    const verdict = verdicts({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [allowIf("kill", [0, operator, pivot])] });
    const got = around.map((value) => (verdict(SYS.kill, value) === RET_ALLOW ? "Y" : "n")).join("");
    expect(`${operator} ${got}`).toBe(`${operator} ${row}`);
  }
  const masked = verdicts({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allowIf("kill", [0, "MASKED_EQ", 0xf0n << 32n, 0x10n << 32n])],
  });
  expect(masked(SYS.kill, 0x1fffffffffn)).toBe(RET_ALLOW);
  expect(masked(SYS.kill, 0x2fffffffffn)).toBe(denied);
});

test("unknown names are skipped and told, and a rule that says the default is dropped", () => {
  const compiled = compileFilter({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allow("read", "not_a_call"), { names: ["kill", "nor_this"], action: "SCMP_ACT_ERRNO" }],
  });
  expect(compiled.unknownSyscalls).toEqual(["not_a_call"]);
  expect(simulateFilter(compiled.bpf, { nr: SYS.kill, arch: native })).toBe(denied);
});

test("a profile whose forty rules all say the default compiles to the default", () => {
  const names = everyday.split(" ").slice(0, 40);
  const verdict = verdicts({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [allow(...names)] });
  expect([verdict(SYS.read), verdict(999)]).toEqual([RET_ALLOW, RET_ALLOW]);
});

test("a rule given twice is one rule", () => {
  const once = compileFilter({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [allow("read", "write")] });
  const twice = compileFilter({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allow("read", "write", "read"), allow("write")],
  });
  expect(twice.bpf).toEqual(once.bpf);
});

test("actions carry their numbers: errnoRet, else EPERM", () => {
  const verdict = verdicts({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      { names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 4094 },
      { names: ["mount"], action: "SCMP_ACT_ERRNO" },
      { names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 0 },
      { names: ["pivot_root"], action: "SCMP_ACT_TRACE", errnoRet: 777 },
      { names: ["unshare"], action: "SCMP_ACT_TRACE" },
      { names: ["setns"], action: "SCMP_ACT_KILL" },
      { names: ["bpf"], action: "SCMP_ACT_KILL_PROCESS" },
      { names: ["keyctl"], action: "SCMP_ACT_TRAP" },
      { names: ["splice"], action: "SCMP_ACT_LOG" },
    ],
  });
  expect([verdict(SYS.kill), verdict(SYS.mount), verdict(SYS.chroot)]).toEqual([RET_ERRNO | 4094, denied, RET_ERRNO]);
  expect([verdict(SYS.pivot_root), verdict(SYS.unshare)]).toEqual([RET_TRACE + 777, RET_TRACE + 1]);
  expect([verdict(SYS.setns), verdict(SYS.bpf), verdict(SYS.keyctl)]).toEqual([
    RET_KILL_THREAD,
    RET_KILL_PROCESS,
    RET_TRAP,
  ]);
  expect(verdict(SYS.splice)).toBe(RET_LOG);
});

test("a call newer than the profile is ENOSYS, whatever a rule does with the newest, unless the default lets calls through", () => {
  const rules: LinuxSyscall[] = [allow("read"), { names: ["openat2"], action: "SCMP_ACT_KILL" }];
  const newest = SYS.openat2;
  for (const defaultAction of ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] as const) {
    const verdict = verdicts({ defaultAction, syscalls: rules });
    expect([verdict(newest + 1), verdict(0x3fffffff)]).toEqual([notThere, notThere]);
    expect(verdict(newest)).toBe(RET_KILL_THREAD);
    expect(verdict(newest - 1)).not.toBe(notThere);
  }
  expect(verdicts({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules })(newest + 1)).toBe(RET_ALLOW);
  expect(verdicts({ defaultAction: "SCMP_ACT_LOG", syscalls: rules })(newest + 1)).toBe(RET_LOG);
  expect(verdicts({ defaultAction: "SCMP_ACT_TRACE", syscalls: rules })(newest + 1)).toBe(RET_TRACE + 1);
  expect(verdicts({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, syscalls: rules })(newest + 1)).toBe(
    notThere,
  );
});

test("a profile that names no call has no newest one: everything gets the default", () => {
  const verdict = verdicts({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 13, syscalls: [] });
  expect([verdict(SYS.read), verdict(5000)]).toEqual([RET_ERRNO | 13, RET_ERRNO | 13]);
});

test("what is wrong with a profile is said with its place", () => {
  const rule = (more: object) => ({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allow("read"), { ...allow("kill"), ...more }],
  });
  const argument = (more: object) => rule({ args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ", ...more }] });
  expect(faultOf({ defaultAction: "SCMP_ACT_NOTIFY" })).toEqual({
    what: "SCMP_ACT_NOTIFY cannot be used as default action",
    where: "/linux/seccomp/defaultAction",
  });
  expect(faultOf({ defaultAction: "toString" }).what).toBe("string toString is not a valid action for seccomp");
  expect(faultOf({ defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_SH"] })).toEqual({
    what: "string SCMP_ARCH_SH is not a valid arch for seccomp",
    where: "/linux/seccomp/architectures/0",
  });
  expect(faultOf(rule({ action: "SCMP_ACT_ERRNO", errnoRet: 4095 })).where).toBe("/linux/seccomp/syscalls/1/errnoRet");
  expect(faultOf(rule({ names: ["kill", ""] })).where).toBe("/linux/seccomp/syscalls/1/names/1");
  expect(faultOf(argument({ index: 6 })).where).toBe("/linux/seccomp/syscalls/1/args/0/index");
  expect(faultOf(argument({ op: "SCMP_CMP_XX" }))).toEqual({
    what: "string SCMP_CMP_XX is not a valid operator for seccomp",
    where: "/linux/seccomp/syscalls/1/args/0/op",
  });
  expect(faultOf(rule({ action: "SCMP_ACT_NOTIFY", names: ["kill", "write"] }))).toEqual({
    what: "SCMP_ACT_NOTIFY cannot be used for the write syscall",
    where: "/linux/seccomp/syscalls/1/names/1",
  });
});

test("20 000 rules are refused at once, with the kernel's limit", () => {
  const syscalls = Array.from({ length: 20_000 }, (_, i) => allowIf("ioctl", [1, "EQ", i]));
  const start = performance.now();
  const fault = faultOf({ defaultAction: "SCMP_ACT_ERRNO", syscalls });
  expect(performance.now() - start).toBeLessThan(1000);
  expect(fault.what).toContain("the kernel takes 4096 instructions");
  expect(fault.where).toBe("/linux/seccomp/syscalls");
});
