import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupsPathOf } from "./cgroup-location.ts";
import { containers, succeeded } from "./harness.ts";
import { isRoot } from "./ordinary-user.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, root, runtime } = containers("bad-command");

const badIds = [".", "..", "a/b", "../../sib", "a b", "a:b", "@x", "ü", "a\nb", "/"];
const verbs: string[][] = [
  ["state"],
  ["start"],
  ["kill"],
  ["delete"],
  ["delete", "--force"],
  ["pause"],
  ["resume"],
  ["ps"],
];

describe("an id that could be a path is refused by every command", () => {
  const witness = join(root, "..", "sib");
  for (const verb of verbs) {
    const [name] = verb;
    const define = name === "pause" || name === "resume" || name === "ps" ? needs(`${name} command`) : test;
    define(verb.join(" "), () => {
      mkdirSync(witness, { recursive: true });
      for (const id of badIds) {
        const outcome = runtime([...verb, id]);
        expect([id, outcome.code, complaint(outcome)]).toEqual([
          id,
          1,
          expect.stringMatching(/invalid (container )?[Ii][Dd]/),
        ]);
      }
      expect(existsSync(witness)).toBe(true);
    });
  }
  for (const verb of ["create", "run"]) {
    test(verb, () => {
      const of = bundle("true");
      for (const id of badIds) {
        const outcome = runtime([verb, "--bundle", of.dir, id]);
        expect([id, outcome.code, complaint(outcome)]).toEqual([
          id,
          1,
          expect.stringMatching(/invalid (container )?[Ii][Dd]/),
        ]);
      }
      expect(existsSync(root) ? readdirSync(root) : []).toEqual([]);
    });
  }
});

test("an empty id is refused", () => {
  expect(complaint(runtime(["state", ""]))).toMatch(/container id cannot be empty/);
  expect(complaint(runtime(["create", "--bundle", bundle("true").dir, ""]))).toMatch(/container id cannot be empty/);
});

test("an id too long for a file name is refused", () => {
  const outcome = runtime(["create", "--bundle", bundle("true").dir, "i".repeat(300)]);
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toMatch(/too long|longer than/);
});

const usage: [name: string, args: string[], code: number, words: RegExp][] = [
  ["an unknown command", ["banana"], 3, /No help topic for 'banana'/],
  ["an unknown flag", ["state", "--banana", "x"], 1, /flag provided but not defined: -+banana/],
  ["an unknown global flag", ["--banana", "state", "x"], 1, /flag provided but not defined: -+banana/],
  ["no id", ["state"], 1, /"state" requires exactly 1 argument/],
  ["two ids", ["state", "a", "b"], 1, /"state" requires exactly 1 argument/],
  ["no id for kill", ["kill"], 1, /"kill" requires a minimum of 1 argument/],
  ["an unknown log format", ["--log-format", "xml", "state", "x"], 1, /invalid log-format: xml/],
  ["a log in a missing directory", ["--log", "/nope/log", "state", "x"], 1, /\/nope\/log.*no such file or directory/],
  ["a bundle that isn't there", ["create", "--bundle", "/nope", "x"], 1, /\/nope.*no such file or directory/],
  ["an unknown list format", ["list", "--format", "xml"], 1, /invalid format option/],
];

for (const [name, args, code, words] of usage) {
  test(`${name} is refused in runc's words`, () => {
    if (args[0] === "list") create("true");
    const outcome = runtime(args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr.replaceAll('\\"', '"')).toMatch(words);
  });
}

needs("stricter than runc")("the root of the machine can't be where states are kept", () => {
  expect(complaint(runtime(["--root", "/", "list"]))).toMatch(/Option --root argument should not be set to \//);
});

test("a --root that is a file is refused", () => {
  const file = join(base, "file");
  writeFileSync(file, "");
  const outcome = runtime(["--root", file, "create", "--bundle", bundle("true").dir, "x"]);
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toMatch(/not a directory|file exists/i);
});

const creations: [name: string, flags: string[], words: RegExp][] = [
  ["a pid file in a missing directory", ["--pid-file", "/nope/pid"], /\/nope\/.*no such file or directory/],
  [
    "a console socket without a terminal",
    ["--console-socket", "/nope"],
    /cannot use console socket if runc will not detach or allocate tty/,
  ],
  ["descriptors to keep that aren't open", ["--preserve-fds", "5"], /unable to stat preserved-fd/],
];

for (const [name, flags, words] of creations) {
  test(`create with ${name} fails and leaves nothing`, () => {
    const of = bundle("true");
    const outcome = runtime(["create", "--bundle", of.dir, ...flags, of.id]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
    expect(existsSync(join(root, of.id))).toBe(false);
  });
}

test("a terminal without a console socket can't be had by create", () => {
  const of = bundle("true", (config) => {
    config.process.terminal = true;
  });
  const outcome = runtime(["create", "--bundle", of.dir, of.id]);
  expect(complaint(outcome)).toMatch(/cannot allocate tty if runc will detach without setting console socket/);
});

needs("clean pid file failure")("a pid file that is a directory fails and leaves nothing beside it", () => {
  const of = bundle("true");
  mkdirSync(join(base, "piddir/taken"), { recursive: true });
  expect(runtime(["create", "--bundle", of.dir, "--pid-file", join(base, "piddir/taken"), of.id]).code).toBe(1);
  expect(readdirSync(join(base, "piddir"))).toEqual(["taken"]);
});

needs("no hang on a fifo")("a log that is a FIFO doesn't make the runtime hang", () => {
  const fifo = join(base, "log-fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  expect(runtime(["--log", fifo, "state", "x"], { limitMs: 2000 })).toMatchObject({ code: 1, hung: false });
});

test("a log in JSON has one object a line, and the bare message is on standard error", () => {
  const log = join(base, "log.json");
  const outcome = runtime(["--log", log, "--log-format", "json", "state", "not-there"]);
  expect(outcome.stderr).toMatch(/^container does not exist\b.*\n$/);
  const lines = readFileSync(log, "utf8").trim().split("\n");
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: "error", msg: outcome.stderr.trimEnd() });
});

for (const content of ["", "{", "[]", "{}", "null"]) {
  needs("broken state files")(
    `a state file with ${JSON.stringify(content)} doesn't stop list, and delete --force removes it`,
    () => {
      const [broken, fine] = [create("true"), create("true")];
      const file = join(root, broken.id, "state.json");
      writeFileSync(file, content);
      expect(runtime(["state", broken.id]).code).toBe(1);
      expect(succeeded(runtime(["list", "-q"])).stdout).toContain(fine.id);
      expect(runtime(["delete", "--force", broken.id]).code).toBe(0);
      expect(existsSync(join(root, broken.id))).toBe(false);
    },
  );
}

test("features and --version tell what callers parse", () => {
  expect(succeeded(runtime(["--version"])).stdout).toMatch(/^run\w+ version \S+\n(commit: .*\n)?spec: 1\.\d+\.\d+/m);
});

needs("features command")("features is what the specification says, in JSON", () => {
  const told = JSON.parse(succeeded(runtime(["features"])).stdout) as Record<string, unknown>;
  expect(told).toMatchObject({
    ociVersionMin: "1.0.0",
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
  });
});

test("spec writes a config that runs, and never over one that is there", () => {
  const of = bundle("true");
  expect(complaint(runtime(["spec", "--bundle", of.dir]))).toMatch(/File config\.json exists\. Remove it first/);
  rmSync(join(of.dir, "config.json"));
  succeeded(runtime(["spec", ...(isRoot ? [] : ["--rootless"]), "--bundle", of.dir]));
  const config = JSON.parse(readFileSync(join(of.dir, "config.json"), "utf8")) as {
    process: Record<string, unknown>;
    linux: Record<string, unknown>;
  };
  expect(config.process).toMatchObject({ terminal: true, args: ["sh"], cwd: "/", noNewPrivileges: true });
  config.process.terminal = false;
  config.process.args = ["echo", "ran"];
  config.linux.cgroupsPath = cgroupsPathOf(of.id);
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(config));
  expect(runtime(["run", "--bundle", of.dir, of.id])).toMatchObject({ code: 0, stdout: "ran\n" });
});
