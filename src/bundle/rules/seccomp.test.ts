import { testRows } from "../document-table.ts";

const at = "/linux/seccomp";
const profile = (more: object) => ({ [at]: { defaultAction: "SCMP_ACT_ALLOW", ...more } });
const rule = (more: object) => profile({ syscalls: [{ names: ["chmod"], action: "SCMP_ACT_ERRNO", ...more }] });
const argument = (more: object) =>
  rule({ args: [{ index: 0, value: 18446744073709551615n, op: "SCMP_CMP_EQ", ...more }] });

testRows([
  ["a profile with an argument of 64 bits is accepted", argument({ valueTwo: 1 })],
  ["a default action is required", { [at]: {} }, `${at}/defaultAction: "defaultAction" is required`],
  [
    "an action is a known one",
    { [at]: { defaultAction: "ALLOW" } },
    `${at}/defaultAction: string ALLOW is not a valid action for seccomp`,
  ],
  [
    "a rule's action is a known one",
    rule({ action: "DENY" }),
    `${at}/syscalls/0/action: string DENY is not a valid action for seccomp`,
  ],
  [
    "an operator is a known one",
    argument({ op: "==" }),
    `${at}/syscalls/0/args/0/op: string == is not a valid operator for seccomp`,
  ],
  [
    "an architecture is a known one",
    profile({ architectures: ["SCMP_ARCH_VAX"] }),
    `${at}/architectures/0: string SCMP_ARCH_VAX is not a valid arch for seccomp`,
  ],
  ["a flag is a known one", profile({ flags: ["X"] }), `${at}/flags/0: seccomp flag X is not known to runc`],
  [
    "notify is not a default",
    profile({ defaultAction: "SCMP_ACT_NOTIFY" }),
    `${at}/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action`,
  ],
  [
    "notify needs a listener",
    rule({ action: "SCMP_ACT_NOTIFY" }),
    `${at}/listenerPath: seccomp listenerPath is not set`,
  ],
  [
    "notify with a listener is accepted",
    profile({ listenerPath: "/run/x", syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }] }),
  ],
  [
    "notify is not for write",
    profile({ listenerPath: "/run/x", syscalls: [{ names: ["mount", "write"], action: "SCMP_ACT_NOTIFY" }] }),
    `${at}/syscalls/0/names/1: SCMP_ACT_NOTIFY cannot be used for the write syscall`,
  ],
  [
    "metadata without a listener is told",
    profile({ listenerMetadata: "x" }),
    `warning ${at}/listenerMetadata: listenerMetadata without listenerPath: ignored`,
  ],
  ["a rule names a call", rule({ names: [] }), `${at}/syscalls/0/names: seccomp rule names no system call`],
  ["a name is not empty", rule({ names: ["a", ""] }), `${at}/syscalls/0/names/1: empty string is not a valid syscall`],
  [
    "a call has six arguments",
    argument({ index: 6 }),
    `${at}/syscalls/0/args/0/index: a system call has six arguments`,
  ],
  ["the largest errno is 4095", rule({ errnoRet: 4095 })],
  ["an errno of 4096 is refused", rule({ errnoRet: 4096 }), `${at}/syscalls/0/errnoRet: errnoRet is too large`],
  ["a tracer's message has 16 bits", rule({ action: "SCMP_ACT_TRACE", errnoRet: 65535 })],
  [
    "allow returns no errno",
    profile({ defaultErrnoRet: 1 }),
    `${at}/defaultErrnoRet: errnoRet can't be used with SCMP_ACT_ALLOW`,
  ],
]);
