import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, put } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, root, run, runBundle, runtime } = containers("bad-config");

/** How runc 1.1.5 takes it: it refuses too ("same"), or it is what only runts refuses ("more"). */
type Stand = "same" | "more";

/** Where, what is put there, what has to be said. */
const values: [stand: Stand, pointer: string, value: unknown, words?: RegExp][] = [
  ["same", "/process", undefined, /process property must not be empty/],
  ["same", "/process/args", undefined, /args must not be empty/],
  ["same", "/process/args", [], /args must not be empty/],
  ["same", "/process/args/0", "", /executable file not found in \$PATH/],
  ["same", "/process/args", "sh"],
  ["same", "/process/cwd", undefined, /Cwd property must not be empty/],
  ["same", "/process/cwd", "", /Cwd property must not be empty/],
  ["same", "/process/cwd", "tmp", /Cwd must be an absolute path/],
  ["same", "/process/cwd", "/etc/passwd"],
  ["same", "/process/env/0", "NOVALUE"],
  ["same", "/process/env/0", ""],
  ["same", "/process/env/0", "=x"],
  ["same", "/process/env/0", "A=\0"],
  ["same", "/process/user/uid", -1],
  ["same", "/process/user/uid", 4294967296],
  ["same", "/process/user/uid", "root"],
  ["same", "/process/user/uid", 1.5],
  ["same", "/process/user/uid", 4294967295, /uids and gids must be in range 0-2147483647/],
  ["same", "/process/user/gid", -1],
  ["more", "/process/user/umask", 0o1777],
  ["same", "/process/oomScoreAdj", 2000],
  ["same", "/process/capabilities", []],
  ["same", "/process/consoleSize", { height: -1, width: 1 }],
  ["same", "/root", undefined, /root must be specified/],
  ["more", "/root/path", ""],
  ["same", "/root/path", "missing", /invalid rootfs/],
  ["same", "/root/path", "a\0b"],
  ["same", "/root/path", "x".repeat(5000)],
  ["same", "/mounts", {}],
  ["same", "/mounts/5", { destination: "", type: "tmpfs", source: "t" }],
  ["same", "/mounts/5", { destination: "/", type: "tmpfs", source: "t" }],
  ["same", "/mounts/5", { destination: "/m", source: "/etc" }],
  ["same", "/mounts/5", { destination: "/m", type: "none", source: "/etc" }, /no such device/],
  ["same", "/mounts/5", { destination: `/${"d".repeat(256)}`, type: "tmpfs", source: "t" }],
  ["more", "/mounts/5", { destination: "/m", source: "", options: ["bind"] }],
  ["more", "/mounts/5", { destination: "/proc/sys", type: "tmpfs", source: "t" }, /inside \/proc/],
  ["more", "/mounts/5", { destination: "/proc", type: "tmpfs", source: "t" }, /not of type proc/],
  ["more", "/mounts/5", { destination: "/tmp/../proc/self", type: "tmpfs", source: "t" }, /inside \/proc/],
  ["same", "/hostname", "h".repeat(65)],
  ["more", "/hostname", "a\0b"],
  ["same", "/annotations", { a: 1 }],
  ["more", "/ociVersion", undefined],
  ["more", "/ociVersion", "banana"],
  ["same", "/ociVersion", 1],
  ["same", "/linux/namespaces/0/type", "banana", /banana/],
  ["same", "/linux/uidMappings", [{ containerID: 0, hostID: -1, size: 1 }]],
  ["more", "/linux/uidMappings", [{ containerID: 0, hostID: 0, size: 1 }]],
  ["more", "/linux/timeOffsets", { boottime: { secs: 1 } }],
  ["more", "/linux/maskedPaths", ["etc/secret"]],
  ["more", "/linux/maskedPaths", [""]],
  ["same", "/linux/maskedPaths", ["/a\0b"]],
  ["same", "/linux/cgroupsPath", "/a\0b"],
  ["same", "/linux/resources/memory", { limit: "1G" }],
  ["same", "/linux/resources/memory", { limit: 1e30 }],
  ["same", "/linux/resources/devices", [{ allow: true, access: "" }]],
  ["more", "/linux/resources/devices", [{ allow: true, access: "xyz" }]],
  ["same", "/linux/devices", [{ path: "/dev/x", type: "c", major: -1, minor: 1 }]],
  ["same", "/hooks", { createRuntime: [{ path: "/nope" }] }, /\/nope/],
  ["same", "/hooks", { createRuntime: [{ path: "" }] }],
  ["same", "/hooks", { createRuntime: [{ path: "/bin/true", timeout: 0 }] }],
  ["more", "/linux/seccomp", { syscalls: [] }],
  ["same", "/linux/seccomp", { defaultAction: "banana" }],
];

describe("a config that can't work is refused, and nothing is left", () => {
  for (const [stand, pointer, value, words] of values) {
    const name = `${pointer} ${JSON.stringify(value)?.slice(0, 60) ?? "missing"}`;
    const ask = stand === "same" ? test : needs("stricter than runc");
    ask(name, () => {
      const outcome = run("echo ran", (config) => put(config, pointer, value));
      expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
      expect(complaint(outcome)).toMatch(words ?? /./);
      expect(outcome.stderr).not.toMatch(/internal error|goroutine|panic|\n\s+at .*:\d+:\d+/);
      expect(outcome.stderr.length).toBeLessThan(6000);
    });
    needs("json pointers")(`${name} is told with its place`, () => {
      expect(run("true", (config) => put(config, pointer, value)).stderr).toContain(pointer);
    });
  }
});

/** The bytes of config.json. */
const documents: [stand: Stand, name: string, content: string | Uint8Array, words: RegExp][] = [
  ["same", "nothing", "", /./],
  ["same", "half an object", '{"process": {', /./],
  ["same", "an array", "[]", /./],
  ["more", "null", "null", /./],
  ["same", "an empty object", "{}", /process/],
  ["same", "a byte order mark", "\uFEFF{}", /./],
  ["same", "UTF-16", Buffer.from('{"process":{}}', "utf16le"), /./],
  ["same", "a hundred thousand brackets", "[".repeat(100_000), /./],
  ["same", "a number beyond all", '{"process":{"user":{"uid":1e400}}}', /./],
];

describe("a document that isn't a config is refused", () => {
  for (const [stand, name, content, words] of documents) {
    const ask = stand === "same" ? test : needs("stricter than runc");
    ask(name, () => {
      const of = bundle("echo ran");
      writeFileSync(join(of.dir, "config.json"), content);
      const outcome = runBundle(of);
      expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
      expect(complaint(outcome)).toMatch(words);
    });
  }
});

test("a missing config.json is told in runc's words", () => {
  const of = bundle("true");
  rmSync(join(of.dir, "config.json"));
  expect(complaint(runBundle(of))).toMatch(/JSON specification file config.json not found/);
});

test("a config.json that is a directory is refused", () => {
  const of = bundle("true");
  rmSync(join(of.dir, "config.json"));
  mkdirSync(join(of.dir, "config.json"));
  expect(complaint(runBundle(of))).toMatch(/is a directory|not a regular file/);
});

needs("no hang on a fifo")("a config.json that is a FIFO is refused at once", () => {
  const of = bundle("true");
  rmSync(join(of.dir, "config.json"));
  Bun.spawnSync(["mkfifo", join(of.dir, "config.json")]);
  expect(runBundle(of, { limitMs: 2000 })).toMatchObject({ code: 1, hung: false });
});

const accepted: [name: string, pointer: string, value: unknown][] = [
  ["an unknown field", "/banana", { a: 1 }],
  ["sections for other systems", "/windows", { layerFolders: ["x"] }],
  ["keys that JavaScript knows", "/annotations", JSON.parse('{"__proto__": "a", "constructor": "b"}')],
  ["a destination above the root", "/mounts/5", { destination: "/../../m", type: "tmpfs", source: "t" }],
  [
    "a system call that nobody knows",
    "/linux/seccomp",
    { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["banana"], action: "SCMP_ACT_ERRNO" }] },
  ],
];

for (const [name, pointer, value] of accepted) {
  test(`${name} is accepted`, () => {
    expect(run("echo ran", (config) => put(config, pointer, value))).toMatchObject({ code: 0, stdout: "ran\n" });
  });
}

needs("all faults at once")("all faults of a config are told at once", () => {
  const { stderr } = run("true", (config) => {
    put(config, "/process/cwd", "relative");
    put(config, "/process/args", []);
    put(config, "/mounts/0/destination", "");
    put(config, "/linux/sysctl", { "kernel.panic": "1" });
  });
  for (const pointer of ["/process/cwd", "/process/args", "/mounts/0/destination", "/linux/sysctl/kernel.panic"]) {
    expect(stderr).toContain(pointer);
  }
});

needs("validate and explain")("validate tells the faults and makes nothing", () => {
  const bad = bundle("true", (config) => put(config, "/process/cwd", "relative"));
  const outcome = runtime(["validate", "--bundle", bad.dir]);
  expect(outcome.code).toBe(1);
  expect(outcome.stdout + outcome.stderr).toContain("/process/cwd");
  expect(runtime(["validate", "--bundle", bundle("true").dir]).code).toBe(0);
});

needs("validate and explain")("explain tells the steps with their places, and runs nothing", () => {
  const of = bundle("touch /ran");
  const outcome = runtime(["explain", "--bundle", of.dir]);
  expect(outcome.code).toBe(0);
  for (const word of ["/mounts/0", "pivot_root", "/process/args"]) expect(outcome.stdout).toContain(word);
});

for (const [pointer, edit] of [
  ["/process/apparmorProfile", (config) => Object.assign(config.process, { apparmorProfile: "banana" })],
  ["/process/selinuxLabel", (config) => Object.assign(config.process, { selinuxLabel: "a:b:c:d" })],
  ["/linux/netDevices", (config) => Object.assign(config.linux, { netDevices: { banana0: {} } })],
  ["/linux/intelRdt", (config) => Object.assign(config.linux, { intelRdt: { closID: "banana" } })],
  ["/hooks/poststop/0/path", (config) => Object.assign(config, { hooks: { poststop: [{ path: "/nope/hook" }] } })],
  ["/hooks/poststart/0/path", (config) => Object.assign(config, { hooks: { poststart: [{ path: "/etc/passwd" }] } })],
] as [pointer: string, edit: (config: Config) => void][]) {
  needs("json pointers")(`what can't be had is refused by name before anything is created: ${pointer}`, () => {
    const of = bundle("true", edit);
    const outcome = runtime(["create", "--bundle", of.dir, of.id]);
    expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringContaining(`at ${pointer}`)]);
    expect(existsSync(join(root, of.id))).toBe(false);
  });
}

needs("json pointers")("a mount label that nothing enforces is warned of", () => {
  if (existsSync("/sys/fs/selinux/enforce")) return;
  const outcome = run("true", (config) => Object.assign(config.linux, { mountLabel: "a:b:c:d" }));
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining("/linux/mountLabel: ") });
});
