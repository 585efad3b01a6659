import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, grant, put } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { isRoot } from "./ordinary-user.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, running, runtime } = containers("exec-process");
const test = needs("exec command");

/** A process as callers write it; what is left out is the container's. */
function processFile(asked: Record<string, unknown>, script: string): string {
  const path = join(base, "process.json");
  writeFileSync(path, JSON.stringify({ cwd: "/", env: ["PATH=/bin"], args: ["sh", "-c", script], ...asked }));
  return path;
}

/** What a process from a file prints in a new container. */
function prints(asked: Record<string, unknown>, script: string, edit?: Edit): string {
  return succeeded(runtime(["exec", "--process", processFile(asked, script), running(edit).id])).stdout.trim();
}

const set =
  (pointer: string, value: unknown): Edit =>
  (config) =>
    put(config, pointer, value);

const status = (field: string) => `grep ^${field} /proc/self/status | cut -f2`;
const bit = (number: number) => (1n << BigInt(number)).toString(16).padStart(16, "0");
const CAP_KILL = bit(5);

const fields: [name: string, asked: Record<string, unknown>, script: string, expected: string][] = [
  ["noNewPrivileges", { noNewPrivileges: true }, status("NoNewPrivs"), "1"],
  ["no noNewPrivileges, whatever the container has", {}, status("NoNewPrivs"), "0"],
  ["rlimits", { rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }] }, "ulimit -Sn; ulimit -Hn", "100\n200"],
  [
    "capabilities",
    { capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] } },
    `${status("CapEff")}; ${status("CapBnd")}`,
    `${CAP_KILL}\n${CAP_KILL}`,
  ],
  [
    "ambient capabilities, which a user keeps",
    {
      user: { uid: 1000, gid: 1000 },
      capabilities: Object.fromEntries(
        ["bounding", "effective", "permitted", "inheritable", "ambient"].map((name) => [name, ["CAP_KILL"]]),
      ),
    },
    `${status("CapEff")}; ${status("CapAmb")}`,
    `${CAP_KILL}\n${CAP_KILL}`,
  ],
  [
    "no capability",
    { capabilities: {} },
    `${status("CapEff")}; ${status("CapBnd")}`,
    "0000000000000000\n0000000000000000",
  ],
  [
    "additional groups and no other",
    { user: { uid: 1, gid: 2, additionalGids: isRoot ? [3] : [] } },
    "id -G",
    isRoot ? "2 3" : "2",
  ],
  ["HOME by the container's /etc/passwd", { user: { uid: 1000, gid: 0 } }, "echo $HOME", "/home/user"],
  ["HOME of a user that is not in it", { user: { uid: 77, gid: 0 } }, "echo $HOME", "/"],
  ["an empty HOME, which is none", { env: ["PATH=/bin", "HOME="] }, "echo $HOME", "/root"],
  ["the last of a variable", { env: ["PATH=/bin", "A=1", "A=2"] }, "env | grep ^A=", "A=2"],
];

for (const [name, asked, script, expected] of fields) {
  test(`a process file with ${name}`, () => expect(prints(asked, script)).toBe(expected));
}

test("what a process file does not say of capabilities is the container's, and of limits the caller's", () => {
  const limited: Edit = (config) => {
    config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 77, hard: 78 }];
    config.process.capabilities = { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] };
  };
  const [files, capabilities] = prints({}, `ulimit -n; ${status("CapEff")}`, limited).split("\n");
  expect([files === "77", capabilities]).toEqual([false, CAP_KILL]);
});

test("oom_score_adj is the container's", () => {
  expect(prints({ oomScoreAdj: 5 }, "cat /proc/self/oom_score_adj", set("/process/oomScoreAdj", 321))).toBe("321");
});

test("the umask is the container's", () => {
  expect(prints({}, "umask", set("/process/user/umask", 0o27))).toBe("0027");
});

test("without one, the umask is the caller's", () => {
  const of = running();
  const outcome = runtime(["exec", of.id, "sh", "-c", "umask"], {
    through: ["sh", "-c", 'umask 0137; exec "$@"', "sh"],
  });
  expect(succeeded(outcome).stdout.trim()).toBe("0137");
});

needs("exec command", "personality")("the personality is the container's", () => {
  expect(prints({}, "uname -m", set("/linux/personality", { domain: "LINUX32" }))).toBe(
    process.arch === "arm64" ? "armv8l" : "i686",
  );
});

needs("exec command", "scheduler")("the scheduler is the process's, else the container's", () => {
  const policy = "cut -d' ' -f41 /proc/self/stat";
  const container = set("/process/scheduler", { policy: "SCHED_BATCH" });
  expect(prints({}, policy, container)).toBe("3");
  expect(prints({ scheduler: { policy: "SCHED_IDLE" } }, policy, container)).toBe("5");
});

needs("exec command", "ioPriority")("the I/O priority is the process's, else the container's", () => {
  const container = set("/process/ioPriority", { class: "IOPRIO_CLASS_BE", priority: 6 });
  const shown = "/bin/busybox ionice -p $$";
  expect(prints({}, shown, container)).toBe("best-effort: prio 6");
  expect(prints({ ioPriority: { class: "IOPRIO_CLASS_IDLE" } }, shown, container)).toStartWith("idle");
});

const affinity = status("Cpus_allowed_list");

needs(
  "exec command",
  "affinity of exec",
  "kept affinity",
)("execCPUAffinity.final is where the process may run", () => {
  expect(prints({ execCPUAffinity: { initial: "0", final: "0" } }, affinity)).toBe("0");
  expect(prints({ execCPUAffinity: { initial: "0" } }, affinity)).toBe("0");
  expect(prints({}, affinity, set("/process/execCPUAffinity", { final: "0" }))).toBe("0");
});

needs("exec command", "affinity of exec")(
  "without execCPUAffinity the caller's confinement is not the process's",
  () => {
    const of = running();
    const everywhere = succeeded(runtime(["exec", of.id, "sh", "-c", affinity])).stdout;
    const confined = runtime(["exec", of.id, "sh", "-c", affinity], { through: ["taskset", "-c", "0"] });
    expect(succeeded(confined).stdout).toBe(everywhere);
  },
);

needs("exec command", "affinity of exec")("CPUs that are not there are an error, and nothing runs", () => {
  const file = processFile({ execCPUAffinity: { final: "1000" } }, "echo ran");
  const outcome = runtime(["exec", "--process", file, running().id]);
  expect(outcome).toMatchObject({ code: 255, stdout: "", hung: false });
  expect(complaint(outcome)).toContain("error setting final CPU affinity");
});

test("the file may be a pipe, written while it is read", () => {
  const file = processFile({}, "echo from the pipe");
  const fifo = join(base, "process.fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  const slowly = `{ head -c 9 "$0"; sleep 0.1; tail -c +10 "$0"; } >"$1"`;
  const writer = Bun.spawn(["sh", "-c", slowly, file, fifo], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    expect(succeeded(runtime(["exec", "--process", fifo, running().id])).stdout).toBe("from the pipe\n");
  } finally {
    writer.kill();
  }
});

needs("exec command", "affinity of exec")("with --debug the stages are told, and the first CPUs", () => {
  const file = processFile({ execCPUAffinity: { initial: "0" } }, "true");
  const { stderr } = succeeded(runtime(["--debug", "exec", "--process", file, running().id]));
  // The words are runc's: its own tests look for them.
  for (const words of ["nsexec container setup", ": affinity: 0x1", "child process in init()", "about to exec"]) {
    expect(stderr).toContain(words);
  }
});

const filter = (names: string[], action: string): Record<string, unknown> => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names, action, errnoRet: 17 }],
});

for (const noNewPrivileges of [true, false]) {
  test(`the container's seccomp filter is loaded, ${noNewPrivileges ? "with" : "without"} noNewPrivileges`, () => {
    const asked = { noNewPrivileges, capabilities: { bounding: [], effective: [], permitted: [] } };
    const seen = prints(
      asked,
      `${status("Seccomp:")}; mkdir /tmp/x 2>&1; true`,
      set("/linux/seccomp", filter(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO")),
    );
    expect(seen).toBe("2\nmkdir: can't create directory '/tmp/x': File exists");
  });
}

test("the bundle's config.json counts as it is now, but for what is the container's", () => {
  const of = running((config) => {
    config.process.env.push("WHEN=then");
    set("/process/user/umask", 0o77)(config);
  });
  const edited = structuredClone(of.config);
  edited.process.env = ["PATH=/bin", "WHEN=now"];
  edited.process.cwd = "/tmp";
  edited.process.oomScoreAdj = 999;
  edited.process.user.umask = 0o22;
  // The rest is for the next container, and may be anything.
  put(edited, "/linux/seccomp", filter(["mkdir"], "SCMP_ACT_ERRNO"));
  put(edited, "/linux/namespaces", []);
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(edited));
  const script = "echo $WHEN; pwd; umask; mkdir /tmp/made && hostname; cat /proc/self/oom_score_adj";
  expect(
    succeeded(runtime(["exec", of.id, "sh", "-c", script]))
      .stdout.split("\n")
      .slice(0, 5),
  ).toEqual(["now", "/tmp", "0077", "box", "0"]);
});

const edits: [name: string, text: string, words: RegExp][] = [
  ["without a process", '{"ociVersion": "1.0.2"}', /process property must not be empty/],
  ["that is no JSON", "{", /unexpected|invalid JSON|EOF/i],
  ["with a process of the wrong type", '{"process": []}', /./],
];

for (const [name, text, words] of edits) {
  test(`a config.json ${name} is told of, with 255`, () => {
    const of = running();
    writeFileSync(join(of.dir, "config.json"), text);
    const outcome = runtime(["exec", of.id, "true"]);
    expect(outcome).toMatchObject({ code: 255, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(words);
  });
}

const broken: [name: string, content: string | undefined, words: RegExp][] = [
  ["that isn't there", undefined, /no such file or directory/],
  ["that is no JSON", "{", /unexpected|invalid JSON|EOF/i],
  ["without cwd and args", "{}", /[Cc]wd|args/],
  ["with a relative cwd", '{"args": ["true"], "cwd": "tmp"}', /Cwd must be an absolute path/],
  ["without arguments", '{"args": [], "cwd": "/"}', /args must not be empty/],
];

for (const [name, content, words] of broken) {
  test(`a process file ${name} is refused with 255`, () => {
    const path = join(base, "broken.json");
    if (content !== undefined) writeFileSync(path, content);
    const outcome = runtime(["exec", "--process", content === undefined ? "/nope/process.json" : path, running().id]);
    expect(outcome).toMatchObject({ code: 255, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(/^exec failed: /);
    expect(complaint(outcome)).toMatch(words);
  });
}

test("CVE-2022-29162: --cap raises nothing that is inherited, and ambient only what was inheritable", () => {
  const of = running((config) => {
    grant(config, "CAP_SYS_ADMIN");
    config.process.capabilities!.inheritable = ["CAP_KILL"];
  });
  const script = "grep -E '^Cap(Inh|Amb)' /proc/self/status | cut -f2";
  const outcome = runtime(["exec", "--cap", "CAP_SYS_PTRACE", "--cap", "CAP_KILL", of.id, "sh", "-c", script]);
  expect(succeeded(outcome).stdout).toBe(`${CAP_KILL}\n${CAP_KILL}\n`);
});

test("--no-new-privs", () => {
  const of = running(set("/process/noNewPrivileges", false));
  const script = ["sh", "-c", status("NoNewPrivs")];
  expect(succeeded(runtime(["exec", of.id, ...script])).stdout).toBe("0\n");
  expect(succeeded(runtime(["exec", "--no-new-privs", of.id, ...script])).stdout).toBe("1\n");
});

for (const [flag, label, words] of [
  ["--apparmor", "nope", /apparmor/],
  ["--process-label", "system_u:system_r:container_t:s0", /selinux/],
] as const) {
  test(`${flag} on a host without that module is refused`, () => {
    const outcome = runtime(["exec", flag, label, running().id, "echo", "ran"]);
    expect(outcome).toMatchObject({ code: 255, stdout: "" });
    expect(complaint(outcome)).toMatch(words);
  });
}

test("without a program and without a process file: nothing to execute", () => {
  const outcome = runtime(["exec", running().id]);
  expect([outcome.code, complaint(outcome)]).toEqual([255, "exec failed: exec args cannot be empty"]);
});

const misuse: [args: string[], words: RegExp][] = [
  [[], /"exec" requires a minimum of 1 argument/],
  [["--nope", "ID", "true"], /flag provided but not defined: -nope/],
  [["-g", "5,6", "ID", "true"], /invalid value "5,6" for flag -g/],
];

for (const [args, words] of misuse) {
  test(`a misuse ends with 1: exec ${args.join(" ")}`, () => {
    const outcome = runtime(["exec", ...args]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
  });
}
