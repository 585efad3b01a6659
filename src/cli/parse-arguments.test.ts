import { expect, test } from "bun:test";
import { type Invocation, type Problem, parseArguments } from "./parse-arguments.ts";

function parsed(...argv: string[]): Invocation {
  const result = parseArguments(argv);
  if ("kind" in result) throw new Error(`not parsed: ${JSON.stringify(result)}`);
  return result;
}

function problem(...argv: string[]): Problem {
  const result = parseArguments(argv);
  if (!("kind" in result)) throw new Error(`parsed: ${JSON.stringify(result)}`);
  return result;
}

test("a value may follow its option or an equals sign, with one dash or two, long or short", () => {
  for (const words of [
    ["--bundle", "/b"],
    ["--bundle=/b"],
    ["-bundle", "/b"],
    ["-b", "/b"],
    ["-b=/b"],
    ["--b", "/b"],
  ]) {
    expect(parsed("create", ...words, "id").options.bundle).toBe("/b");
  }
});

test("options may stand before and after the arguments", () => {
  const { options, arguments: words } = parsed("create", "--no-pivot", "id", "--pid-file", "p");
  expect(options).toEqual({ "no-pivot": true, "pid-file": "p" });
  expect(words).toEqual(["id"]);
});

test("global options stand before the command", () => {
  const { global, command } = parsed("--root=/r", "--log", "l", "--debug", "--systemd-cgroup", "state", "x");
  expect(global).toEqual({ root: "/r", log: "l", debug: true, "systemd-cgroup": true });
  expect(command).toBe("state");
  expect(problem("state", "--root", "/r", "x")).toMatchObject({ message: "flag provided but not defined: -root" });
});

test("of a repeated option the last value counts", () => {
  expect(parsed("--root=", "--root", "/a", "--root=/b", "list").global.root).toBe("/b");
});

test("a bool takes Go's spellings after an equals sign only", () => {
  expect(parsed("delete", "--force=false", "x").options.force).toBe(false);
  expect(parsed("delete", "-f=T", "x").options.force).toBe(true);
  expect(parsed("delete", "--force", "x").arguments).toEqual(["x"]);
  expect(problem("delete", "--force=yes", "x")).toMatchObject({
    message: 'invalid boolean value "yes" for -force: parse error',
  });
});

test("two dashes end the options", () => {
  expect(parsed("kill", "-a", "--", "-x", "-1").arguments).toEqual(["-x", "-1"]);
  expect(parsed("--", "state", "x").command).toBe("state");
});

test("integers may be written in hexadecimal and octal", () => {
  expect(parsed("create", "--preserve-fds", "0x10", "x").options["preserve-fds"]).toBe(16);
  expect(parsed("create", "--preserve-fds", "010", "x").options["preserve-fds"]).toBe(8);
  expect(parsed("create", "--preserve-fds=-1", "x").options["preserve-fds"]).toBe(-1);
  expect(problem("create", "--preserve-fds", "2x", "id")).toMatchObject({
    kind: "bad option",
    command: "create",
    message: 'invalid value "2x" for flag -preserve-fds: parse error',
  });
});

test("an option without its value, and one that does not exist, are told in runc's words", () => {
  expect(problem("list", "--format")).toMatchObject({ command: "list", message: "flag needs an argument: -format" });
  expect(problem("state", "--nope", "x")).toMatchObject({ message: "flag provided but not defined: -nope" });
  expect(problem("--nope", "state")).toMatchObject({
    kind: "bad option",
    message: "flag provided but not defined: -nope",
  });
});

test("the number of arguments is checked", () => {
  expect(problem("state")).toMatchObject({ message: '"state" requires exactly 1 argument(s)' });
  expect(problem("list", "x")).toMatchObject({ message: '"list" requires exactly 0 argument(s)' });
  expect(problem("kill")).toMatchObject({ message: '"kill" requires a minimum of 1 argument(s)' });
  expect(problem("kill", "a", "b", "c")).toMatchObject({ message: '"kill" requires a maximum of 2 argument(s)' });
});

test("help and version are asked for in every usual way", () => {
  expect(problem().kind).toBe("help");
  expect(problem("-h").kind).toBe("help");
  expect(problem("help", "kill")).toMatchObject({ kind: "help", command: "kill" });
  expect(problem("kill", "--help")).toMatchObject({ kind: "help", command: "kill" });
  expect(problem("--root", "/", "--version").kind).toBe("version");
  expect(problem("-v", "--nope").kind).toBe("version");
});

test("names of Object's own properties are no commands", () => {
  expect(problem("constructor")).toMatchObject({ kind: "unknown command", name: "constructor" });
  expect(problem("--", "toString")).toMatchObject({ kind: "unknown command", name: "toString" });
});
