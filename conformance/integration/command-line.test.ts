/** The command line as callers type it, and what they are told: to the byte where they read bytes. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containers, succeeded } from "./harness.ts";
import { userName } from "./ordinary-user.ts";
import { call, type Outcome, runtimeName, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, env, root, running, runtime, state } = containers("command-line");

let calls = 0;
/** A call without the private --root, of this runtime or another. */
const plain = (args: readonly string[], program = runtimePath): Outcome =>
  call([program, ...args], join(base, `plain-${++calls}`), { env });

const ours = test.skipIf(runtimeName !== "runts");

describe("help", () => {
  const names = [...plain(["--help"]).stdout.matchAll(/^ {3}([a-z]+) {2,}\S/gm)].map(([, name]) => name!);

  test("lists every command of runc", () => {
    const expected =
      "checkpoint create delete events exec features kill list pause ps restore resume run spec start state update";
    expect(expected.split(" ").filter((name) => !names.includes(name))).toEqual([]);
  });

  test("is the same however it is asked for, on standard output, with status 0", () => {
    const text = plain(["--help"]).stdout;
    expect(text).toMatch(/^NAME:\n {3}(.* )?runc - Open Container Initiative runtime/);
    for (const args of [[], ["-h"], ["help"], ["h"]]) {
      expect(plain(args)).toEqual({ code: 0, hung: false, stdout: text, stderr: "" });
    }
  });

  ours("of a command, too", () => {
    for (const name of names) {
      const text = plain([name, "--help"]).stdout;
      expect(text).toStartWith(`NAME:\n   runts ${name} - `);
      for (const args of [
        [name, "-h"],
        ["help", name],
        ["h", name],
        [name, "--help", "x", "y"],
      ]) {
        expect([args, plain(args)]).toEqual([args, { code: 0, hung: false, stdout: text, stderr: "" }]);
      }
    }
  });

  ours("is runc's own, when it is installed under that name", () => {
    const path = join(base, "runc");
    Bun.spawnSync(["ln", "-sf", runtimePath, path]);
    expect(plain(["state", "--help"], path).stdout).toStartWith("NAME:\n   runc state - ");
  });
});

describe("version", () => {
  ours("is told in the lines that callers parse", () => {
    const { stdout } = plain(["--version"]);
    const lines = stdout.split("\n").filter((line) => !line.startsWith("commit: "));
    expect(lines).toEqual([
      expect.stringMatching(/^runc version 1\.5\.\d+$/),
      "spec: 1.3.0",
      expect.stringMatching(/^runts version \d+\.\d+\.\d+$/),
      expect.stringMatching(/^bun: \d/),
      "",
    ]);
  });

  test("is told before anything else is looked at", () => {
    const { stdout } = plain(["--version"]);
    for (const args of [["-v"], ["--root", "/", "-v"], ["--log-format", "xml", "--version"], ["-v", "state"]]) {
      expect(plain(args)).toEqual({ code: 0, hung: false, stdout, stderr: "" });
    }
  });
});

/** Told in the same bytes as by runc, but for the time and the program's own name. */
const mistakes: string[][] = [
  ["banana"],
  ["banana", "-h"],
  ["help", "banana"],
  ["--banana"],
  ["--banana=1", "state"],
  ["state", "--banana", "x"],
  ["state", "-b"],
  ["state"],
  ["state", "a", "b"],
  ["kill"],
  ["kill", "a", "b", "c"],
  ["list", "x"],
  ["spec", "x"],
  ["run"],
  ["delete", "--force"],
  ["create", "--bundle"],
  ["--root"],
  ["create", "--preserve-fds", "x", "y"],
  ["run", "--detach=maybe", "x"],
  ["--log-format", "xml", "list"],
  ["kill", "--all", "a", "--", "b", "c"],
];

describe.skipIf(runtimeName !== "runts" || Bun.which("runc") === null)(
  "a mistake is told as the installed runc does:",
  () => {
    const shape = ({ code, stdout, stderr }: Outcome, program: string) => ({
      code,
      stdout: stdout.split("\n").slice(0, 2),
      stderr: stderr.replaceAll(program, "PROGRAM").replace(/^time="[^"]+"/gm, "time"),
    });
    for (const args of mistakes) {
      test(args.join(" "), () => {
        const runc = Bun.which("runc")!;
        expect(shape(plain(args), runtimePath)).toEqual(shape(plain(args, runc), runc));
      });
    }
  },
);

describe("list", () => {
  const header = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n";

  test("of a root without containers", () => {
    mkdirSync(root, { recursive: true });
    expect(runtime(["list"])).toMatchObject({ code: 0, stdout: header, stderr: "" });
    expect(runtime(["list", "-f", "json"])).toMatchObject({ code: 0, stdout: "null\n", stderr: "" });
    expect(runtime(["list", "-q"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  test("has columns as wide as their widest cell and a gap", () => {
    const { id, dir } = create("true");
    const { pid, created } = state(id) as { pid: number; created: string } & ReturnType<typeof state>;
    const widths = [id.length + 3, 12, 12, dir.length + 3, created.length + 3];
    const row = (cells: string[]) => `${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("")}\n`;
    const expected = row(header.trim().split(/ +/)) + row([id, `${pid}`, "created", dir, created, userName]);
    for (const args of [["list"], ["list", "--format", "table"], ["list", "-f=table"]]) {
      expect(runtime(args)).toMatchObject({ code: 0, stdout: expected, stderr: "" });
    }
  });

  test("in JSON is one line, with the keys of state in its order and the owner", () => {
    const of = create("true", (config) => {
      config.annotations = { b: "<", a: "1" };
    });
    const { stdout } = succeeded(runtime(["list", "--format", "json"]));
    const [entry] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(entry).toEqual({ ...state(of.id), owner: userName });
    expect(Object.keys(entry!).join(" ")).toBe("ociVersion id pid status bundle rootfs created annotations owner");
    expect(stdout).toMatch(/^\[\{"ociVersion":.*"annotations":\{"a":"1","b":"\\u003c"\},"owner":"\w+"\}\]\n$/);
  });

  test("tells of entries that can't be read on standard error, leaves them out, and goes on", () => {
    const { id } = create("true");
    for (const name of ["0-empty", "z-damaged"]) mkdirSync(join(root, name));
    writeFileSync(join(root, "z-damaged/state.json"), "{");
    writeFileSync(join(root, "a-file"), "");
    const outcome = runtime(["list", "-q"]);
    rmSync(join(root, "a-file"));
    expect(outcome).toMatchObject({ code: 0, stdout: `${id}\n` });
    expect(outcome.stderr).toMatch(
      /^load container 0-empty: container does not exist.*\nload container z-damaged: .+\n$/,
    );
    for (const name of ["0-empty", "z-damaged"]) rmSync(join(root, name), { recursive: true });
  });

  needs("missing roots")("of a root that was asked for and isn't there fails, whatever the format", () => {
    for (const args of [[], ["-q"], ["-f", "json"]]) {
      const outcome = plain(["--root", join(base, "nowhere"), "list", ...args]);
      expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
      expect(outcome.stderr).toContain(`open ${base}/nowhere: no such file or directory`);
    }
    expect(existsSync(join(base, "nowhere"))).toBe(false);
  });
});

describe("spec", () => {
  const golden = (name: string) => readFileSync(join(import.meta.dir, "../../src/lifecycle/golden", name), "utf8");
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");

  for (const [flags, name] of [
    [[], "spec.json"],
    [["--rootless"], "spec-rootless.json"],
  ] as const) {
    ours(`${flags.join(" ")} writes runc's example, to the byte`, () => {
      const directory = join(base, `spec-${name}`);
      mkdirSync(directory);
      const { code, stdout, stderr } = plain(["spec", ...flags, "--bundle", directory]);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
      const written = readFileSync(join(directory, "config.json"), "utf8");
      const cgroupNamespace = /,\n\t+\{\n\t+"type": "cgroup"\n\t+\}/;
      const ids = (text: string) => text.replace(/"hostID": \d+/g, '"hostID": ID');
      expect(cgroupNamespace.test(written)).toBe(unified);
      expect(ids(written.replace(cgroupNamespace, ""))).toBe(ids(golden(name).replace(cgroupNamespace, "")));
    });
  }

  test("has the permissions that the umask leaves, in the working directory unless said", () => {
    for (const umask of ["022", "077"]) {
      const cwd = join(base, `umask-${umask}`);
      mkdirSync(cwd);
      succeeded(
        call(["sh", "-c", `umask ${umask}; exec ${runtimePath} spec`], join(base, `umask-${umask}-call`), { env, cwd }),
      );
      expect(statSync(join(cwd, "config.json")).mode & 0o777).toBe(0o666 & ~Number.parseInt(umask, 8));
    }
  });
});

describe("logging", () => {
  const log = () => join(base, `log-${++calls}`);

  test("in text is a line with time, level and message", () => {
    const file = log();
    runtime(["--log", file, "state", "nope"]);
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`;
    expect(readFileSync(file, "utf8")).toMatch(new RegExp(`^time="${time}" level=error msg="container does not exist`));
  });

  test("in JSON is an object a line, its keys in order, also with --debug", () => {
    const file = log();
    const of = bundle("true");
    const flags = ["--debug", "--log", file, "--log-format", "json"];
    expect(succeeded(runtime([...flags, "run", "--bundle", of.dir, of.id])).stderr).toBe("");
    expect(runtime([...flags, "state", "nope"]).code).toBe(1);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as { level: string; msg: string; time: string });
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual(Object.keys(entry).sort());
      expect(Number.isNaN(Date.parse(entry.time))).toBe(false);
    }
    expect(entries.filter(({ level }) => level === "error").at(-1)!.msg).toMatch(/^container does not exist/);
    expect(entries.some(({ level }) => level === "debug")).toBe(true);
  });

  test("is appended to, and is there after a success, with nothing in it", () => {
    const file = log();
    succeeded(runtime(["--log", file, "state", create("true").id]));
    expect(readFileSync(file, "utf8")).toBe("");
    runtime(["--log", file, "state", "nope"]);
    runtime([`--log=${file}`, "state", "nope"]);
    expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  ours("with --debug tells the stages of a start and an end, in order; without it nothing", () => {
    const of = bundle("true");
    const stages = (args: string[]) => {
      expect(succeeded(runtime(args)).stderr).toBe("");
      return succeeded(runtime(["--debug", ...args]))
        .stderr.split("\n")
        .slice(0, -1);
    };
    const told = stages(["run", "--bundle", of.dir, of.id]);
    const words = [
      "run",
      "config.json",
      "planned",
      "compiled",
      "enter spawned",
      "cgroup",
      "init cloned",
      "ready",
      "runs",
      "ended",
      "cgroup removed",
      "state removed",
    ];
    let at = 0;
    for (const line of told) {
      expect(line).toMatch(/^time="[^"]+" level=debug msg=".* \(\d+\.\d ms, \+\d+\.\d\)"$/);
      if (line.includes(words[at] ?? "\n")) at++;
    }
    expect(words.slice(at)).toEqual([]);
  });

  ours("with --debug tells the stages of exec", () => {
    const { id } = running();
    const { stdout, stderr } = succeeded(runtime(["--debug", "exec", id, "echo", "ran"]));
    expect(stdout).toBe("ran\n");
    const lines = stderr.trimEnd().split("\n");
    for (const [i, words] of ["exec", "read", "planned", "cloned", "runs", "ended"].entries()) {
      expect(lines.slice(i).join("\n")).toContain(words);
    }
    expect(lines.every((line) => /level=debug msg=".* \(\d+\.\d ms, \+\d+\.\d\)"$/.test(line))).toBe(true);
  });

  ours("with --debug tells the stages of create, start and delete", () => {
    const of = bundle("true");
    const last = (...args: string[]) =>
      succeeded(runtime(["--debug", ...args, of.id]))
        .stderr.trimEnd()
        .split("\n")
        .at(-1);
    expect(last("create", "--bundle", of.dir)).toContain("init waits for start");
    expect(last("start")).toContain("program runs");
    expect(last("delete", "--force")).toContain("state removed");
  });
});

describe("options", () => {
  test("in every spelling, and the last of several counts", () => {
    const of = create("true");
    const id = (...args: string[]) => JSON.parse(succeeded(plain([...args, "state", of.id])).stdout).id as string;
    for (const args of [
      [`--root=${root}`],
      ["-root", root],
      [`-root=${root}`],
      ["--root", "/nowhere", "--root", root],
      ["--systemd-cgroup=false", "--rootless=false", "--rootless", "auto", "--root", root],
      ["--debug=false", "--log=", "--log-format", "text", "--root", root],
    ]) {
      expect(id(...args)).toBe(of.id);
    }
  });

  test("a pid file is written where the caller is, whole, and nothing else", () => {
    const of = bundle("true");
    const cwd = join(base, "caller");
    mkdirSync(cwd);
    succeeded(runtime(["create", "--pid-file", "pid", "-b", of.dir, of.id], { cwd }));
    expect(readdirSync(cwd)).toEqual(["pid"]);
    expect(readFileSync(join(cwd, "pid"), "utf8")).toBe(`${state(of.id).pid}`);
  });

  test("a bundle may be given relative to where the caller is, and is told as it physically is", () => {
    const of = bundle("true");
    Bun.spawnSync(["ln", "-s", of.dir, join(base, "link")]);
    succeeded(runtime(["create", "-bundle", "link", of.id], { cwd: base }));
    expect(state(of.id).bundle).toBe(of.dir);
  });

  test("options may follow the id, and two dashes end them", () => {
    const of = bundle("true");
    succeeded(runtime(["create", of.id, "--bundle", of.dir]));
    succeeded(runtime(["delete", of.id, "-f"]));
    expect(runtime(["state", "--", "--help"]).code).toBe(1);
  });

  needs("stricter than runc")("--rootless with another word is refused before anything is made", () => {
    const of = bundle("true");
    const outcome = runtime(["--rootless", "maybe", "create", "-b", of.dir, of.id]);
    expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining("--rootless")]);
    expect(existsSync(root)).toBe(false);
  });
});
