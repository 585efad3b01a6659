import { expect } from "bun:test";
import { closeSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { listenForDescriptor } from "./console-socket.ts";
import { containers, succeeded, until } from "./harness.ts";
import { call, complaint, type Outcome, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, env, root, running, runtime } = containers("exec-console");
const test = needs("exec command");

let count = 0;

/** Calls the runtime with a terminal as its standard streams: script(1) makes one. What is shown comes back with CR LF. */
function onTerminal(args: readonly string[], typed = ""): Outcome {
  const words = [runtimePath, "--root", root, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const command = ["script", "--quiet", "--return", "--command", words.join(" "), "/dev/null"];
  const outcome = call(command, join(base, `script-${++count}`), { env: { ...env, SHELL: "/bin/sh" }, stdin: typed });
  // script types the end of its own input, which the terminal may still echo.
  return { ...outcome, stdout: outcome.stdout.replaceAll("^@", "") };
}

/** Reads what a terminal has to say until the words are in it, or nobody has its other side open any more. */
function readUntil(fd: number, words: string): string {
  const buffer = Buffer.alloc(4096);
  let text = "";
  for (const deadline = Date.now() + 5000; !text.includes(words); ) {
    if (Date.now() > deadline) throw new Error(`waited 5 s for ${JSON.stringify(words)}, got ${JSON.stringify(text)}`);
    try {
      text += buffer.toString("utf8", 0, readSync(fd, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EIO") throw error;
      return text;
    }
  }
  return text;
}

test("--tty in the foreground: a terminal of the container's, shown on the caller's", () => {
  const of = running();
  const outcome = onTerminal(["exec", "--tty", of.id, "sh", "-c", "tty; test -t 0 && test -t 2 && echo all; exit 5"]);
  expect([outcome.code, outcome.stdout]).toEqual([5, "/dev/pts/0\r\nall\r\n"]);
});

test("--tty in the foreground: it has a controlling terminal, in a session of its own", () => {
  const script = "echo shown >/dev/tty; cut -d' ' -f6 /proc/self/stat; echo $$";
  const lines = onTerminal(["exec", "-t", running().id, "sh", "-c", script]).stdout.split("\r\n");
  expect(lines[0]).toBe("shown");
  expect(lines[1]).toBe(lines[2]!);
});

test("--tty in the foreground: what is typed goes in", () => {
  const outcome = onTerminal(["exec", "-t", running().id, "sh", "-c", "read line; echo got $line"], "typed\n");
  expect(outcome.stdout).toContain("got typed");
});

test("without --tty a process whose input is a terminal does not have it as its own", () => {
  const script = "echo x >/dev/tty || echo none; cut -d' ' -f7 /proc/self/stat";
  const shown = onTerminal(["exec", running().id, "sh", "-c", script]).stdout.split("\r\n");
  expect(shown.slice(-3)).toEqual(["none", "0", ""]);
});

test("the config's terminal does not make one for exec", () => {
  const of = running();
  of.config.process.terminal = true;
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(of.config));
  expect(succeeded(runtime(["exec", of.id, "sh", "-c", "test -t 1 || echo no terminal"])).stdout).toBe("no terminal\n");
});

for (const [name, flags, asked] of [
  ["--tty", ["--tty"], undefined],
  ["a process file's terminal", [], { terminal: true, consoleSize: { height: 33, width: 99 } }],
] as const) {
  test(`${name}, detached: the console socket gets its master`, async () => {
    const of = running();
    const socket = listenForDescriptor(join(base, `console-${++count}`));
    const path = join(base, `console-${count}`);
    const pidFile = join(base, `pid-${count}`);
    const command = ["sh", "-c", "stty size 2>/dev/null; echo ready; read line; echo got $line; sleep 1000"];
    const file = join(base, "process.json");
    writeFileSync(file, JSON.stringify({ ...asked, args: command, cwd: "/", env: ["PATH=/bin"] }));
    const common = ["exec", "--detach", "--console-socket", path, "--pid-file", pidFile];
    succeeded(
      runtime(asked === undefined ? [...common, ...flags, of.id, ...command] : [...common, "--process", file, of.id]),
    );
    const { fd, rest } = socket.receive();
    socket.close();
    try {
      expect(rest).toBe(0);
      expect(readUntil(fd, "ready")).toMatch(asked === undefined ? /ready/ : /^33 99\r\nready/);
      writeSync(fd, "typed\n");
      expect(readUntil(fd, "got typed")).toContain("got typed");
      const pid = readFileSync(pidFile, "utf8");
      expect(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[3]).toBe(pid);
    } finally {
      closeSync(fd);
    }
    await until("the end by the hang-up", () => !running1(readFileSync(pidFile, "utf8")));
  });
}

function running1(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

needs("exec command", "pidfd socket")("--pidfd-socket gets a pidfd of the process", () => {
  const path = join(base, "pidfd");
  const socket = listenForDescriptor(path);
  const of = running();
  const pidFile = join(base, "pidfd-pid");
  succeeded(runtime(["exec", "-d", "--pidfd-socket", path, "--pid-file", pidFile, of.id, "sleep", "1000"]));
  const { name, fd, rest } = socket.receive();
  socket.close();
  try {
    expect([name, rest]).toEqual(["setns", 0]);
    expect(/^Pid:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]).toBe(
      readFileSync(pidFile, "utf8"),
    );
  } finally {
    closeSync(fd);
  }
});

const refused: [name: string, flags: string[], words: RegExp][] = [
  ["a detached terminal without a socket", ["-d", "-t"], /cannot allocate tty if runc will detach without setting/],
  ["a console socket without a terminal", ["-d", "--console-socket", "/nope"], /cannot use console socket if runc/],
  ["a console socket in the foreground", ["-t", "--console-socket", "/nope"], /cannot use console socket if runc/],
  ["a console socket that isn't there", ["-d", "-t", "--console-socket", "/nope"], /no such file or directory/],
  ["a pidfd socket that isn't there", ["-d", "--pidfd-socket", "/nope"], /no such file or directory/],
  ["a pid file that can't be", ["-d", "--pid-file", "/nope/pid"], /no such file or directory/],
];

for (const [name, flags, words] of refused) {
  const gap = flags.includes("--pidfd-socket")
    ? (["exec command", "pidfd socket"] as const)
    : (["exec command"] as const);
  needs(...gap)(`${name} is refused, and nothing is left running`, () => {
    const of = running();
    const outcome = runtime(["exec", ...flags, of.id, "sleep", "1000"]);
    expect([outcome.code, outcome.hung]).toEqual([255, false]);
    expect(complaint(outcome)).toMatch(words);
    const names = succeeded(runtime(["exec", of.id, "sh", "-c", "cat /proc/[0-9]*/comm"])).stdout;
    expect(names.match(/sleep/g)?.length).toBe(1);
  });
}
