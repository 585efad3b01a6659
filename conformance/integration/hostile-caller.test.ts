import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, env, prints, run, runBundle, runtime, state } = containers("caller");

/** Runs the runtime from a shell that first does what `prologue` says. */
const through = (prologue: string, program = "sh") => ({ through: [program, "-c", `${prologue}; exec "$@"`, "sh"] });

test("a program starts with standard descriptors only", () => {
  // 3 is the directory that ls reads.
  expect(prints("ls /proc/self/fd", undefined, through("exec 7</etc 8</etc/passwd 9>/dev/null"))).toBe("0\n1\n2\n3");
});

test("CVE-2024-21626: a directory that the caller left open isn't the program's working directory", () => {
  const outcome = run(
    "ls",
    (config) => {
      config.process.cwd = "/proc/self/fd/9";
    },
    through("exec 9</"),
  );
  expect(outcome.stdout).not.toMatch(/^boot$/m);
});

test("CVE-2024-21626: a program below a directory that the caller left open isn't run", () => {
  const outcome = run(
    "",
    (config) => {
      config.process.args = ["/proc/self/fd/9/busybox", "echo", "escaped"];
    },
    through("exec 9</bin"),
  );
  expect(outcome.stdout).not.toContain("escaped");
});

test("--preserve-fds passes the next descriptors, and only those", () => {
  const of = bundle("cat <&3; ls /proc/self/fd | wc -l");
  writeFileSync(join(base, "kept"), "kept\n");
  const outcome = runtime(
    ["run", "--bundle", of.dir, "--preserve-fds", "1", of.id],
    through(`exec 3<${join(base, "kept")} 4</etc`),
  );
  expect(succeeded(outcome).stdout).toBe("kept\n5\n");
});

needs("root")("CVE-2022-36109: the caller's supplementary groups are gone", () => {
  const groups = { through: ["setpriv", "--groups", "4,24"] };
  expect(prints("id -G", undefined, groups)).toBe("0");
  const asUser = (config: Config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [7] };
  };
  expect(prints("id -G", asUser, groups)).toBe("1000 7");
});

test("the caller's environment isn't the program's", () => {
  expect(prints("env; tr '\\0' '\\n' </proc/1/environ", undefined, { env: { ...env, SECRET: "abc" } })).not.toContain(
    "abc",
  );
});

needs("clean init")("the init of a created container shows neither the caller's environment nor its paths", () => {
  const of = bundle("true");
  succeeded(runtime(["create", "--bundle", of.dir, of.id], { env: { ...env, SECRET: "abc" } }));
  const { pid } = state(of.id);
  for (const name of ["environ", "cmdline"]) {
    const shown = readFileSync(`/proc/${pid}/${name}`, "utf8");
    expect(shown).not.toContain("abc");
    expect(shown).not.toContain(base);
  }
});

test("signals that the caller ignores or blocks are as at the start of a system", () => {
  const status = prints("exec grep ^Sig /proc/self/status", undefined, through("trap '' PIPE INT HUP USR1"));
  const words = Object.fromEntries(status.split("\n").map((line) => line.split(":\t") as [string, string]));
  for (const set of ["SigBlk", "SigIgn", "SigCgt"]) expect([set, words[set]]).toEqual([set, "0000000000000000"]);
});

needs("caller's soft limit")("the limit of open files is the caller's", () => {
  expect(prints("ulimit -Sn; ulimit -Hn", undefined, through("ulimit -Sn 777; ulimit -Hn 4321", "bash"))).toBe(
    "777\n4321",
  );
});

test("the umask of the caller doesn't change what is made", () => {
  const of = bundle("umask; stat -c %a /dev/null /dev/shm /made", (config) => {
    config.mounts.push({ destination: "/made", type: "tmpfs", source: "t", options: ["mode=755"] });
  });
  expect(succeeded(runBundle(of, through("umask 077"))).stdout).toBe("0022\n666\n1777\n755\n");
});

test("the priority of the caller is the program's", () => {
  expect(prints("cut -d' ' -f19 /proc/self/stat", undefined, { through: ["nice", "-n", "5"] })).toBe("5");
});

for (const closed of ["0", "1", "2", "0 1", "0 1 2"]) {
  const redirections = closed
    .split(" ")
    .map((fd) => `exec ${fd}>&-`)
    .join("; ");
  test(`a caller with ${closed} closed gets no crash, and descriptors of the runtime aren't the program's`, () => {
    const of = bundle("ls -l /proc/self/fd >/links; true");
    const outcome = runBundle(of, through(redirections));
    expect(outcome.hung).toBe(false);
    expect(outcome.stderr).not.toMatch(/internal error|panic|goroutine/);
    if (outcome.code !== 0) return;
    // The caller's own files, in a directory of the test's, are the program's to have.
    const links = readFileSync(join(of.rootfs, "links"), "utf8").replaceAll(base, "");
    expect(links).not.toMatch(/-> .*(state|bundle|runts|anon_inode|memfd|socket)/);
  });
}

for (const files of [8, 12, 16, 32]) {
  test(`a caller with ${files} open files at most gets a container or a clean error`, () => {
    const outcome = run("echo ran", undefined, through(`ulimit -n ${files}`));
    expect(outcome.hung).toBe(false);
    expect(outcome.stderr).not.toMatch(/internal error|panic|goroutine|\n\s+at .*:\d+:\d+/);
    if (outcome.code === 0) expect(outcome.stdout).toBe("ran\n");
    else expect(outcome.stderr).not.toBe("");
  });
}

test("a working directory that was deleted doesn't matter when all paths are absolute", () => {
  const gone = join(base, "gone");
  expect(prints("echo ran", undefined, through(`mkdir ${gone}; cd ${gone}; rmdir ${gone}`))).toBe("ran");
});

/** Arguments of `state`, or of `create`, that are relative. */
const relativePaths: string[][] = [
  ["--log", "gone.log", "state", "x"],
  ["--root", "gone-root", "state", "x"],
  ["create", "x"],
  ["create", "--bundle", "gone-bundle", "x"],
  ["create", "--bundle", base, "--pid-file", "gone.pid", "x"],
];

for (const words of relativePaths) {
  needs("engine environment")(
    `${words.join(" ").replace(base, "DIR")} in a working directory that was deleted says so`,
    () => {
      const gone = join(base, "gone");
      const { code, stderr } = runtime(words, through(`mkdir ${gone}; cd ${gone}; rmdir ${gone}`));
      expect(code).toBe(1);
      expect(stderr).toContain("getwd: no such file or directory");
    },
  );
}

const hostileFiles: [name: string, content: string][] = [
  ["bunfig.toml", 'preload = ["./evil.ts"]\n'],
  [".env", "BUN_OPTIONS=--preload=./evil.ts\nPATH=/nope\n"],
  ["package.json", '{"type": "banana", "imports": {"#x": 1}'],
  ["tsconfig.json", '{"compilerOptions": {"paths": 1}'],
  ["evil.ts", "console.log('evil'); process.exit(99);"],
];

test("files of a bundle that mean something to JavaScript engines mean nothing here", () => {
  const of = bundle("echo ran; env");
  for (const [name, content] of hostileFiles) writeFileSync(join(of.dir, name), content);
  const outcome = runtime(["run", of.id], { cwd: of.dir });
  expect(outcome.stdout).toStartWith("ran\n");
  expect(outcome.stdout + outcome.stderr).not.toMatch(/evil|BUN_OPTIONS/);
});

for (const variable of [
  "BUN_OPTIONS",
  "BUN_INSPECT",
  "NODE_OPTIONS",
  "BUN_BE_BUN",
  "BUN_CONFIG_VERBOSE_FETCH",
  "BUN_JSC_dumpOptions",
  "MIMALLOC_VERBOSE",
  "mimalloc_show_stats",
  "LD_DEBUG_BANANA",
]) {
  needs("engine environment")(`${variable} in the caller's environment changes nothing`, () => {
    const value = /^(BUN_BE_BUN|BUN_JSC.*|mimalloc.*)$/i.test(variable) ? "1" : "--version";
    expect(run("echo ran", undefined, { env: { ...env, [variable]: value } })).toMatchObject({
      code: 0,
      stdout: "ran\n",
      stderr: "",
    });
  });
}

test("the runtime doesn't need HOME, PATH or TERM", () => {
  expect(run("echo ran", undefined, { through: ["env", "-u", "HOME", "-u", "TERM", "PATH="] })).toMatchObject({
    code: 0,
    stdout: "ran\n",
  });
});

test("a session keyring, a controlling terminal and a process group of the caller aren't the program's", () => {
  const of = create("true");
  const fields = readFileSync(`/proc/${state(of.id).pid}/stat`, "utf8")
    .split(") ")[1]!
    .split(" ");
  expect(fields[3]).toBe(`${state(of.id).pid}`); // its own session
  expect(fields[4]).toBe("0"); // no terminal
});

needs("root", "hostile /dev")("files that are to be masked are not left open where the host has no /dev/null", () => {
  const of = bundle("cat /etc/secret", (config) => {
    config.linux.maskedPaths = ["/etc/secret"];
  });
  writeFileSync(join(of.rootfs, "etc/secret"), "SECRET");
  for (const [node, said] of [
    ["", /unable to mask path.*\/dev\/null/],
    ["mknod -m 666 /dev/null c 1 5;", /unable to mask path.*\/dev\/null/],
  ] as const) {
    const script = `mount -t tmpfs none /dev; mknod -m 666 /dev/urandom c 1 9; ${node} exec "$@"`;
    const outcome = runBundle(of, { through: ["unshare", "--mount", "sh", "-c", script, "sh"] });
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toMatch(said);
  }
});
