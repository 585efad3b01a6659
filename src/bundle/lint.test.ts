import { describe, expect, test } from "bun:test";
import type { HostCapabilities } from "../host/host-capabilities.ts";
import { type Changes, documentWith, namespaces, told } from "./document-table.ts";
import { lintText } from "./lint.ts";
import { slips } from "./misspelt-fields.ts";

/** A machine that can do everything. */
const able: HostCapabilities = {
  kernel: { release: "6.18.0", major: 6, minor: 18 },
  securityModules: ["apparmor", "selinux"],
  cgroupMode: "v2",
  controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"],
  euid: 0,
  lastCapability: 40,
  seccompActions: ["kill_process", "kill_thread", "trap", "errno", "user_notif", "trace", "log", "allow"],
  namespaces: ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"],
  mostUserNamespaces: 1000,
  fileSystems: ["proc", "sysfs", "tmpfs", "resctrl"],
};

const v1: Partial<HostCapabilities> = { cgroupMode: "v1", controllers: ["cpu", "memory", "devices"] };
const ids = [{ containerID: 0, hostID: 0, size: 1 }];
const rootless: Changes = { ...namespaces("user", "mount"), "/linux/uidMappings": ids, "/linux/gidMappings": ids };

function lint(changes: Changes, host: Partial<HostCapabilities>): string[] {
  const { faults, warnings } = lintText(documentWith(changes), { ...able, ...host }, false);
  return told([...faults, ...warnings]);
}

const everything: Changes = {
  "/process/apparmorProfile": "p",
  "/process/selinuxLabel": "l",
  "/linux/resources": {
    memory: { limit: 1 },
    cpu: { shares: 2, cpus: "0" },
    blockIO: { weight: 10 },
    unified: { "a.b": "1" },
  },
  "/linux/seccomp": { defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] },
  "/linux/intelRdt": {},
  "/mounts": [{ destination: "/t", type: "tmpfs" }],
};

test("a host that can do everything has nothing to say", () => {
  expect(lint(everything, {})).toEqual([]);
  expect(lint({ "/process/capabilities": { future: 5 } }, {})).toEqual([]);
});

describe("what a host can't do is told", () => {
  const gone = (names: string[], name: string) => names.filter((one) => one !== name);
  const rows: [string, Changes, Partial<HostCapabilities>, ...string[]][] = [
    ["an old kernel", {}, { kernel: { release: "5.10.0", major: 5, minor: 10 } }, ": kernel 5.10.0 is older than 5.14"],
    [
      "no AppArmor",
      { "/process/apparmorProfile": "p" },
      { securityModules: [] },
      "/process/apparmorProfile: apparmor profile is specified in config, but apparmor is disabled or not supported",
    ],
    [
      "no SELinux",
      { "/process/selinuxLabel": "l" },
      { securityModules: [] },
      "/process/selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported",
    ],
    [
      "no SELinux for mounts",
      { "/linux/mountLabel": "l" },
      { securityModules: [] },
      "warning /linux/mountLabel: mount label is specified in config, but selinux is disabled or not supported",
    ],
    [
      "no time namespaces",
      namespaces("time"),
      { namespaces: gone([...able.namespaces], "time") },
      "/linux/namespaces/0: time namespaces aren't enabled in the kernel",
    ],
    [
      "user namespaces forbidden",
      rootless,
      { mostUserNamespaces: 0 },
      "/linux/namespaces/0: user namespaces aren't enabled in the kernel",
    ],
    ["no root", {}, { euid: 1000 }, "/linux/namespaces: rootless container requires user namespaces"],
    [
      "groups without root",
      { ...rootless, "/process/user/additionalGids": [0] },
      { euid: 1000 },
      "/process/user/additionalGids: cannot set any additional groups in a rootless container",
    ],
    [
      "network devices without root",
      {
        ...rootless,
        ...{ "/linux/namespaces": [{ type: "user" }, { type: "network" }] },
        "/linux/netDevices": { a: {} },
      },
      { euid: 1000 },
      "/linux/netDevices: network devices are not supported for rootless containers",
    ],
    [
      "a newer capability",
      { "/process/capabilities/bounding": ["CAP_BPF"] },
      { lastCapability: 37 },
      "warning /process/capabilities/bounding: ignoring unknown or unavailable capabilities: [CAP_BPF]",
    ],
    [
      "a missing seccomp action",
      { "/linux/seccomp": { defaultAction: "SCMP_ACT_LOG" } },
      { seccompActions: ["allow"] },
      "/linux/seccomp/defaultAction: this kernel's seccomp does not have the action",
    ],
    [
      "no waiting for killable",
      { "/linux/seccomp": everything["/linux/seccomp"] },
      { kernel: { release: "5.15.0", major: 5, minor: 15 } },
      "/linux/seccomp/flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs kernel 5.19",
    ],
    [
      "a newer memory policy",
      { "/linux/memoryPolicy": { mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0" } },
      { kernel: { release: "6.1.0", major: 6, minor: 1 } },
      "/linux/memoryPolicy/mode: MPOL_WEIGHTED_INTERLEAVE needs kernel 6.9",
    ],
    [
      "no RDT",
      { "/linux/intelRdt": {} },
      { fileSystems: [] },
      "/linux/intelRdt: intelRdt is specified in config, but Intel RDT is not enabled",
    ],
    [
      "a file system without module",
      { "/mounts": [{ destination: "/t", type: "tmpfs" }] },
      { fileSystems: [] },
      "warning /mounts/0/type: file system is not known to the kernel unless a module provides it",
    ],
    [
      "unified on v1",
      { "/linux/resources/unified": { "a.b": "1" } },
      v1,
      "/linux/resources/unified: invalid configuration: cannot use unified on cgroup v1",
    ],
    [
      "no blkio controller",
      { "/linux/resources/blockIO": { weight: 10 } },
      v1,
      "/linux/resources/blockIO: cannot set blockIO limit: this host has no blkio cgroup controller",
    ],
    [
      "no cpuset controller",
      { "/linux/resources/cpu": { cpus: "0" } },
      v1,
      "/linux/resources/cpu: cannot set cpu limit: this host has no cpuset cgroup controller",
    ],
    [
      "no net_cls controller",
      { "/linux/resources/network": { classID: 1 } },
      v1,
      "/linux/resources/network: cannot set network limit: this host has no net_cls cgroup controller",
    ],
    [
      "network limits on v2",
      { "/linux/resources/network": { classID: 1 } },
      {},
      "warning /linux/resources/network: cgroup v2 does not have this: ignored",
    ],
    [
      "swap without memory on v2",
      { "/linux/resources/memory": { swap: 5 } },
      {},
      "/linux/resources/memory/swap: unable to set swap limit without memory limit",
    ],
    [
      "a systemd path",
      { "/linux/cgroupsPath": "a.slice:b:c" },
      {},
      "warning /linux/cgroupsPath: slice:prefix:name is a plain directory name without --systemd-cgroup",
    ],
  ];
  test.each(rows)("%s", (_, changes, host, ...expected) => {
    expect(lint(changes, host)).toEqual(expected);
  });
});

describe("fields that look like typos are told", () => {
  test.each([
    ["/process/ARGS", 'unknown field "ARGS" is ignored: case matters, did you mean "args"?'],
    ["/process/noNewPrivilege", 'unknown field "noNewPrivilege" is ignored: did you mean "noNewPrivileges"?'],
    ["/hostnmae", 'unknown field "hostnmae" is ignored: did you mean "hostname"?'],
    ["/linux/resources/memroy", 'unknown field "memroy" is ignored: did you mean "memory"?'],
  ])("%s", (pointer, message) => {
    expect(lint({ [pointer]: 1 }, {})).toEqual([`warning ${pointer}: ${message}`]);
  });

  test("but not fields that look like nothing, nor keys that are free", () => {
    expect(lint({ "/process/extension": 1, "/annotations": { process: "x" }, "/x": {} }, {})).toEqual([]);
  });

  test("in a document with faults, too", () => {
    expect(lint({ "/process/args": undefined, "/process/agrs": ["sh"] }, {})).toEqual([
      "/process/args: args must not be empty",
      'warning /process/agrs: unknown field "agrs" is ignored: did you mean "args"?',
    ]);
  });
});

test.each([
  ["", "", 0],
  ["abc", "abc", 0],
  ["abc", "acb", 1],
  ["abc", "ab", 1],
  ["abc", "xbcd", 2],
])("%p and %p are %p slips apart", (a, b, count) => {
  expect(slips(a, b)).toBe(count);
});

test("a path of units is as it should be where systemd makes the cgroup", () => {
  const text = documentWith({ "/linux/cgroupsPath": "a.slice:b:c" });
  expect(lintText(text, able, true)).toEqual({ faults: [], warnings: [] });
});

test("text that is no JSON is one fault", () => {
  const { faults, warnings } = lintText("{", able, false);
  expect(told([...faults, ...warnings])).toEqual([
    ": invalid JSON: 1:2: unexpected end of JSON input, expected a key or }",
  ]);
});
