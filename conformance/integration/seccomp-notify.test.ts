import { expect, test } from "bun:test";
import { closeSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.ts";
import { listenForDescriptor } from "./console-socket.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, create, run, runtime, state } = containers("notify");

const notify =
  (listenerPath: string | undefined, names: string[] = ["mkdir", "mkdirat"]): Edit =>
  (config) => {
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath,
      listenerMetadata: "of the test",
      syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
    };
  };

test("the listener gets the descriptor and the state of the container process", async () => {
  const path = join(base, "listener");
  const socket = listenForDescriptor(path);
  const of = create("mkdir /tmp/x 2>&1", notify(path));
  const { name, fd } = socket.receive();
  socket.close();
  expect(JSON.parse(name)).toMatchObject({
    fds: ["seccompFd"],
    pid: state(of.id).pid,
    metadata: "of the test",
    state: { id: of.id, status: "creating", bundle: of.dir },
  });
  succeeded(runtime(["start", of.id]));
  // Nobody answers: with the last descriptor of the listener closed, the call fails with ENOSYS. See seccomp_unotify(2).
  await Bun.sleep(50);
  expect(state(of.id).status).toBe("running");
  closeSync(fd);
  await until("the program to end", () => state(of.id).status === "stopped");
  expect(of.logs().stdout).toContain("Function not implemented");
});

needs("exec command")(
  "the listener of an exec'ed process comes with its pid, and with init's in the state",
  async () => {
    const path = join(base, "exec-listener");
    const socket = listenForDescriptor(path);
    const of = create("sleep 1000", notify(path));
    closeSync(socket.receive().fd);
    succeeded(runtime(["start", of.id]));
    for (const noNewPrivileges of [true, false]) {
      const file = join(base, "process.json");
      const args = ["sh", "-c", "mkdir /tmp/x 2>&1; sleep 1000"];
      const capabilities = { bounding: [], effective: [], permitted: [] };
      writeFileSync(file, JSON.stringify({ args, cwd: "/", env: ["PATH=/bin"], noNewPrivileges, capabilities }));
      const pidFile = join(base, "pid");
      succeeded(runtime(["exec", "--detach", "--process", file, "--pid-file", pidFile, of.id]));
      const { name, fd } = socket.receive();
      closeSync(fd);
      expect(JSON.parse(name)).toMatchObject({
        fds: ["seccompFd"],
        pid: Number(readFileSync(pidFile, "utf8")),
        metadata: "of the test",
        state: { id: of.id, status: "running", pid: state(of.id).pid, bundle: of.dir },
      });
    }
    socket.close();
    const outcome = runtime(["exec", of.id, "echo", "ran"]);
    expect(outcome).toMatchObject({ code: 255, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(/connection refused|no such file or directory/);
  },
);

const refusals: [name: string, edit: Edit, words: RegExp][] = [
  ["no listener", notify(undefined), /listenerPath|listener path/i],
  ["a listener that isn't there", notify("/nope/listener"), /no such file or directory/],
  [
    "write among the calls",
    notify("/nope/listener", ["write"]),
    /SCMP_ACT_NOTIFY cannot be used for the write syscall/,
  ],
];

for (const [name, edit, words] of refusals) {
  test(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(words);
  });
}
