/** `run` without a terminal: signals, descriptors, orphans, the end. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutNamespace } from "./bundle.ts";
import { bySystemd, cgroupDirectory } from "./cgroup-location.ts";
import { listenForDescriptor } from "./console-socket.ts";
import { containers, succeeded, until } from "./harness.ts";
import { runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, beside, bundle, env, root, run, runBundle, runtime, state } = containers("foreground");

/** What a call beside the test has printed so far. */
const printed = (id: string) => {
  const pid = state(id).pid;
  return readFileSync(`/proc/${pid}/root/out`, "utf8");
};

/** Everything that runc passes on, too. */
const signals = "1 2 3 10 12 14 15 16 18 20 21 22 24 26 29 34 50 64".split(" ");

test("every signal that may be meant for the program is passed on", async () => {
  const traps = signals.map((signal) => `trap 'echo ${signal} >>/out' ${signal}`).join("; ");
  const of = bundle(`${traps}; trap 'exit 6' USR2; echo ready >>/out; while :; do sleep 0.02; done`);
  const call = beside(["run", "--bundle", of.dir, of.id]);
  await until("the traps", () => existsSync(join(of.rootfs, "out")));
  for (const signal of signals.filter((number) => number !== "12")) {
    Bun.spawnSync(["kill", `-${signal}`, `${call.pid}`]);
    await until(`signal ${signal} to arrive`, () => printed(of.id).split("\n").includes(signal));
  }
  Bun.spawnSync(["kill", "-USR2", `${call.pid}`]);
  expect((await call.ended).code).toBe(6);
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("a program that ignores SIGTERM isn't ended by one to the runtime", async () => {
  const of = bundle("trap '' TERM; trap 'exit 4' INT; echo ready >/out; while :; do sleep 0.02; done");
  const call = beside(["run", "--bundle", of.dir, of.id]);
  await until("the traps", () => existsSync(join(of.rootfs, "out")));
  process.kill(call.pid, "SIGTERM");
  process.kill(call.pid, "SIGINT");
  expect((await call.ended).code).toBe(4);
});

test("a signal that comes before the program is there waits for it, and nothing is left", async () => {
  const of = bundle("sleep 1000", (config) => {
    // In one of its own the first process has no default action.
    withoutNamespace(config, "pid");
    const script = `echo here >'${base}/hook-runs'; sleep 0.5`;
    config.hooks = {
      createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: [`PATH=${process.env.PATH}`] }],
    };
  });
  const call = beside(["run", "--bundle", of.dir, of.id]);
  await until("the hook", () => existsSync(join(base, "hook-runs")));
  process.kill(call.pid, "SIGTERM");
  expect((await call.ended).code).toBe(128 + 15);
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("run is idle while the program runs: it is not woken up", async () => {
  const of = bundle("echo ready >/out; sleep 1000");
  const call = beside(["run", "--bundle", of.dir, of.id]);
  await until("the program", () => existsSync(join(of.rootfs, "out")));
  const switches = () => {
    const status = readFileSync(`/proc/${call.pid}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)![1]);
  };
  await Bun.sleep(200);
  const before = switches();
  await Bun.sleep(1000);
  expect(switches() - before).toBeLessThan(3);
  succeeded(runtime(["kill", of.id, "KILL"]));
  expect((await call.ended).code).toBe(137);
});

/** A program that leaves an orphan behind without a pid namespace, where only a subreaper adopts it. */
const leavesOrphan = "(sh -c 'sleep 1000 & echo $! >/orphan') ; echo ready >/out; sleep 1000";

for (const [flags, adopted] of [
  [[], true],
  [["--no-subreaper"], false],
] as const) {
  test(`run ${flags.join(" ")} ${adopted ? "adopts and reaps" : "doesn't adopt"} the program's orphans`, async () => {
    const of = bundle(leavesOrphan, (config) => withoutNamespace(config, "pid"));
    const call = beside(["run", ...flags, "--bundle", of.dir, of.id]);
    await until("the program", () => existsSync(join(of.rootfs, "out")));
    const orphan = Number(readFileSync(join(of.rootfs, "orphan"), "utf8"));
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${orphan}/status`, "utf8"))![1]);
    expect(parent === call.pid).toBe(adopted);
    process.kill(orphan, "SIGKILL");
    if (adopted) await until("the orphan to be reaped", () => !existsSync(`/proc/${orphan}`));
    succeeded(runtime(["kill", of.id, "KILL"]));
    await call.ended;
  });
}

needs("own cgroup")("run --keep leaves the container as stopped, with its cgroup, until delete", () => {
  const of = bundle("exit 3");
  expect(runtime(["run", "--keep", "--bundle", of.dir, of.id]).code).toBe(3);
  expect(state(of.id)).toMatchObject({ status: "stopped", pid: 0 });
  // systemd's units end with their last process.
  expect(existsSync(cgroupDirectory(of.id, "pids"))).toBe(!bySystemd);
  succeeded(runtime(["delete", of.id]));
  expect(existsSync(cgroupDirectory(of.id, "pids"))).toBe(false);
});

test("all that the program has written has arrived when run ends, on both streams", () => {
  const outcome = run("seq 1 100000; seq 1 100000 >&2");
  expect(outcome.code).toBe(0);
  for (const stream of [outcome.stdout, outcome.stderr]) expect(stream.trimEnd().split("\n")).toHaveLength(100_000);
});

test("the program is told when nobody reads its output any more", () => {
  const of = bundle("while echo line; do :; done 2>/dev/null; exit 8");
  const command = `${runtimePath} --root ${root} run --bundle ${of.dir} ${of.id} | sed q; echo "\${PIPESTATUS[0]}"`;
  const outcome = Bun.spawnSync(["bash", "-c", command], { env, timeout: 10_000 });
  expect(outcome.stdout.toString()).toMatch(/^line\n8\n$/);
});

const preserving = ["sh", "-c", 'exec 3</etc/hostname 4</etc/hosts; exec "$@"', "sh"];

for (const [count, listed] of [
  [0, "0 1 2 3"],
  [1, "0 1 2 3 4"],
  [2, "0 1 2 3 4 5"],
] as const) {
  test(`run --preserve-fds ${count} passes as many descriptors, and no others`, () => {
    const of = bundle("echo $(ls /proc/self/fd)");
    const outcome = runtime(["run", "--preserve-fds", `${count}`, "--bundle", of.dir, of.id], { through: preserving });
    expect(succeeded(outcome).stdout.trim()).toBe(listed); // one of them is the directory that ls reads
  });
}

needs("pidfd socket")("run --pidfd-socket gets a descriptor of the program", async () => {
  const of = bundle("echo ready >/out; sleep 1000");
  const path = join(base, "pidfd");
  const socket = listenForDescriptor(path);
  const call = beside(["run", "--pidfd-socket", path, "--bundle", of.dir, of.id]);
  await until("the program", () => existsSync(join(of.rootfs, "out")));
  const { fd, name } = socket.receive();
  socket.close();
  expect(name).toBe("standard");
  expect(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(new RegExp(`^Pid:\\s+${state(of.id).pid}$`, "m"));
  succeeded(runtime(["kill", of.id, "KILL"]));
  expect((await call.ended).code).toBe(137);
});

for (const [flags, keyrings] of [
  [[], "1"],
  [["--no-new-keyring"], "0"],
] as const) {
  needs("own cgroup")(`run ${flags.join(" ")} gives the program ${keyrings} session keyring of its own`, () => {
    const of = bundle("grep -c _ses.$ID /proc/keys", (config) => {
      config.process.env.push(`ID=${config.linux.cgroupsPath!.split(/[/:]/).at(-1)}`);
      config.linux.maskedPaths = [];
    });
    expect(runtime(["run", ...flags, "--bundle", of.dir, of.id]).stdout.trim()).toBe(keyrings);
  });
}

test("run --detach leaves no process but the program, and writes its pid", () => {
  const of = bundle("sleep 1000");
  const pidFile = join(base, "pid");
  succeeded(runtime(["run", "--detach", "--pid-file", pidFile, "--bundle", of.dir, of.id]));
  expect(Number(readFileSync(pidFile, "utf8"))).toBe(state(of.id).pid);
  expect(readdirSync("/proc").filter((name) => isRuntimeOf(name, of.id))).toEqual([]);
});

function isRuntimeOf(pid: string, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(id);
  } catch {
    return false;
  }
}

test("the input's end reaches the program", () => {
  expect(runBundle(bundle("wc -c"), { stdin: "12345" }).stdout.trim()).toBe("5");
});
