import { expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Config, withoutDev } from "./bundle.ts";
import { listenForDescriptor } from "./console-socket.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, root, running, runtime } = containers("console");

const withTerminal = (config: Config) => {
  config.process.terminal = true;
};

/** Reads what a terminal has to say until the words are in it. */
function readUntil(fd: number, words: string): string {
  const buffer = Buffer.alloc(4096);
  let text = "";
  for (const deadline = Date.now() + 5000; !text.includes(words); ) {
    if (Date.now() > deadline) throw new Error(`waited 5 s for ${JSON.stringify(words)}, got ${JSON.stringify(text)}`);
    try {
      text += buffer.toString("utf8", 0, readSync(fd, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EIO") throw error; // nobody has the other side open: the end
      return text;
    }
  }
  return text;
}

let count = 0;

/** Creates and starts a container with a terminal; gives what was received. */
function onTerminal(script: string, edit?: (config: Config) => void) {
  const path = join(base, `console-${++count}`);
  const socket = listenForDescriptor(path);
  try {
    const of = create(
      script,
      (config) => {
        withTerminal(config);
        edit?.(config);
      },
      ["--console-socket", path],
    );
    const received = socket.receive();
    succeeded(runtime(["start", of.id]));
    return { ...of, ...received };
  } finally {
    socket.close();
  }
}

test("the console socket gets one message with a name and the terminal, and is closed then", () => {
  const of = onTerminal("echo from inside; sleep 1000");
  expect(of.name).toMatch(/ptmx|pts/);
  expect(of.rest).toBe(0);
  expect(readUntil(of.fd, "inside")).toContain("from inside");
  closeSync(of.fd);
});

test("the program has the terminal as its input, output and controlling terminal", () => {
  const of = onTerminal("tty; ls -l /dev/console; read line </dev/tty; echo got $line; sleep 1000");
  const first = readUntil(of.fd, "/dev/console");
  expect(first).toContain("/dev/pts/0");
  expect(first).toContain("136,   0");
  writeSync(of.fd, "typed\n");
  expect(readUntil(of.fd, "got")).toContain("got typed");
  closeSync(of.fd);
});

test("the terminal has the size of the config", () => {
  const of = onTerminal("stty size; sleep 1000", (config) => {
    Object.assign(config.process, { consoleSize: { height: 33, width: 99 } });
  });
  expect(readUntil(of.fd, "99")).toContain("33 99");
  closeSync(of.fd);
});

test("the terminal belongs to the user", () => {
  const of = onTerminal("stat -c %u $(tty); sleep 1000", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  expect(readUntil(of.fd, "1000")).toMatch(/^1000/);
  closeSync(of.fd);
});

needs("exec command", "ps command")("exec --tty sends a terminal of its own", async () => {
  const of = running();
  const path = join(base, "exec-console");
  const socket = listenForDescriptor(path);
  const argv = [
    "exec",
    "--tty",
    "--detach",
    "--console-socket",
    path,
    of.id,
    "sh",
    "-c",
    "tty; stty size >/dev/null && echo is one; sleep 999",
  ];
  succeeded(runtime(argv));
  const { fd } = socket.receive();
  expect(readUntil(fd, "is one")).toContain("/dev/pts/");
  closeSync(fd);
  socket.close();
  await until(
    "the terminal's end to end the program",
    () => runtime(["ps", "-f", "json", of.id]).stdout.split(",").length === 1,
  );
});

test("run in the foreground connects the caller's terminal", () => {
  const of = bundle("tty; echo $((6*7))", withTerminal);
  const command = `${runtimePath} --root ${root} run --bundle ${of.dir} ${of.id}`;
  // At the end of its input script(1) types ^D, which the kernel turns into a NUL if the terminal goes raw before it is read:
  // it would be echoed. A FIFO that is open for writing too has no end.
  const input = join(of.dir, "input");
  Bun.spawnSync(["mkfifo", input]);
  const stdin = openSync(input, "r+");
  const outcome = Bun.spawnSync(["script", "-qec", command, "/dev/null"], { stdin, timeout: 10_000 });
  closeSync(stdin);
  expect(outcome.stdout.toString()).toMatch(/\/dev\/pts\/0\r?\n42/);
  expect(outcome.exitCode).toBe(0);
});

const sockets: [name: string, path: string][] = [
  ["isn't there", "/nope/socket"],
  ["isn't a socket", join(base, "busybox")],
];

for (const [name, path] of sockets) {
  test(`a console socket that ${name} makes create fail`, () => {
    const of = bundle("true", withTerminal);
    const outcome = runtime(["create", "--bundle", of.dir, "--console-socket", path, of.id]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(/no such file|connection refused|not a socket/i);
  });
}

needs("hostile /dev")("a /dev/console of the image that is a symlink doesn't lead outside", () => {
  const of = bundle("true", (config) => {
    withTerminal(config);
    withoutDev(config);
    config.mounts.push({
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["newinstance", "ptmxmode=0666"],
    });
  });
  const outside = join(base, "created");
  Bun.spawnSync(["ln", "-s", `../../../../../../../..${outside}`, join(of.rootfs, "dev/console")]);
  const command = `${runtimePath} --root ${root} run --bundle ${of.dir} ${of.id}`;
  Bun.spawnSync(["script", "-qec", command, "/dev/null"], { timeout: 10_000 });
  expect(Bun.spawnSync(["ls", outside]).exitCode).not.toBe(0);
});
