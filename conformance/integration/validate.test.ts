import { expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, put } from "./bundle.ts";
import { containers } from "./harness.ts";
import { needs } from "./supports.ts";

const { base, bundle, runtime, env } = containers("validate");
const withReports = needs("validate and explain");

const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

const ownNamespace: Edit = (config) => {
  config.linux.namespaces = ["pid", "ipc", "uts", "mount", "user"].map((type) => ({ type }));
  config.linux.uidMappings = [{ containerID: 0, hostID: 65534, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 65534, size: 1 }];
  config.linux.resources = undefined;
  config.mounts = config.mounts.filter(({ destination }) => destination !== "/sys");
};

/** Lines of the report. */
function report(edit: Edit): string[] {
  const { stdout, stderr } = runtime(["validate", "--bundle", bundle("true", edit).dir]);
  expect(stderr).toBe("");
  return stdout.trimEnd().split("\n");
}

withReports("a bundle with nothing wrong is said to have nothing wrong", () => {
  expect(report(() => {})).toEqual(["0 errors, 0 warnings"]);
});

withReports("every fault is a line with its place, and the last line counts them", () => {
  const lines = report((config) => {
    put(config, "/process/cwd", "relative");
    put(config, "/process/user/uid", -1);
    put(config, "/linux/namespaces/0/type", "pdi");
    put(config, "/hostnmae", "box");
    put(config, "/root/path", "rootfz");
  });
  const places = ["/root/path", "/process/user/uid", "/linux/namespaces/0/type"];
  for (const place of places) expect(lines.filter((line) => line.startsWith(`error: ${place}: `))).toHaveLength(1);
  expect(lines).toContain('warning: /hostnmae: unknown field "hostnmae" is ignored: did you mean "hostname"?');
  expect(lines.at(-1)).toBe("3 errors, 1 warning");
});

const meant: [pointer: string, written: string, meant: string][] = [
  ["/linux/namespaces/0/type", "netwrk", "network"],
  ["/linux/rootfsPropagation", "sahred", "shared"],
  ["/linux/seccomp/defaultAction", "ALLOW", "SCMP_ACT_ALLOW"],
  ["/process/rlimits", "rlimit_nofile", "RLIMIT_NOFILE"],
];
for (const [pointer, written, right] of meant) {
  withReports(`${written} is asked back as ${right}`, () => {
    const value = pointer.endsWith("rlimits") ? [{ type: written, soft: 1, hard: 1 }] : written;
    expect(report((config) => put(config, pointer, value)).join("\n")).toContain(`did you mean "${right}"?`);
  });
}

withReports("what only planning a start finds is found too", () => {
  const missing = report((config) => {
    config.mounts.push({ destination: "/data", source: join(base, "nowhere"), options: ["bind"] });
  });
  expect(missing[0]).toStartWith(`error: /mounts/5/source: error mounting`);
  expect(missing[0]).toContain("no such file or directory");
  const blocked = report((config) => {
    const syscalls = [{ names: ["execve"], action: "SCMP_ACT_ERRNO" }];
    config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
  });
  expect(blocked[0]).toStartWith("error: /linux/seccomp: the seccomp profile blocks execve");
});

withReports("the JSON has the same faults, with their values", () => {
  const of = bundle("true", (config) => put(config, "/process/user/uid", -1));
  const { code, stdout } = runtime(["validate", "--format", "json", of.dir]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    faults: [
      {
        pointer: "/process/user/uid",
        message: "not an integer of type uint32",
        value: -1,
        expected: "an integer from 0 to 4294967295",
        severity: "fault",
      },
    ],
    warnings: [],
  });
});

needs(
  "validate and explain",
  "root",
  "cgroupfs driver",
)("an ordinary user is told what could not be checked, and of nothing that is not wrong", () => {
  const closed = join(base, "closed");
  mkdirSync(closed, { mode: 0o700 });
  mkdirSync(join(closed, "rootfs"));
  const of = bundle("true", (config) => {
    ownNamespace(config);
    config.root.path = join(closed, "rootfs");
  });
  chmodSync(of.dir, 0o755);
  const hidden = runtime(["validate", of.dir], { through: asNobody, env });
  expect(hidden.stdout).toContain("warning: /root/path: cannot be checked by this user: ");
  expect(hidden.code).toBe(0);
  chmodSync(closed, 0o755);
  chmodSync(join(closed, "rootfs"), 0o700);
  const unreadable = runtime(["validate", of.dir], { through: asNobody, env });
  expect([unreadable.stdout, unreadable.code]).toEqual(["0 errors, 0 warnings\n", 0]);
});

withReports("a bundle without config.json, and one that is no JSON, are told in one line", () => {
  const empty = join(base, "empty");
  mkdirSync(empty);
  const missing = runtime(["validate", empty]);
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("config.json not found")]);
  writeFileSync(join(empty, "config.json"), "{,}");
  const { code, stdout } = runtime(["validate", empty]);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^error: invalid JSON.*\n1 error, 0 warnings\n$/)]);
});

withReports("explain tells each step with its place and calls, in text and as JSON, and runs nothing", () => {
  const of = bundle("touch /ran");
  const text = runtime(["explain", of.dir]);
  expect(text.stdout).toContain('  mount "proc" (type proc) on /proc  [/mounts/0]\n');
  expect(text.stdout).toMatch(/\n +\d+ {2}pivot_root\("\.", "\."\)\n/);
  const { stages, report: ending } = JSON.parse(runtime(["explain", "--format", "json", of.dir]).stdout);
  expect(stages.map(({ name }: { name: string }) => name)).toEqual(["enter", "build", "become", "start"]);
  expect(stages[3].steps.at(-1)).toMatchObject({ kind: "execute", from: "/process/args/0" });
  expect(ending.length).toBeGreaterThan(0);
  expect(existsSync(join(of.rootfs, "ran"))).toBe(false);
});

needs(
  "validate and explain",
  "root",
  "cgroupfs driver",
)("explain needs no privilege", () => {
  const of = bundle("true", ownNamespace);
  const { code, stdout } = runtime(["explain", of.dir], { through: asNobody, env });
  expect(code).toBe(0);
  expect(stdout).toContain("  make a user namespace, have its id maps written, become its root  [/linux/uidMappings]");
});
