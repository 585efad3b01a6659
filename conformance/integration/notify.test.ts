/** NOTIFY_SOCKET: a container that is a service tells the service manager that it is ready. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { close } from "../../native-bindings/files.ts";
import type { Edit } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { manageService, writeNotifyProgram } from "./notify-socket.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, beside, bundle, env, root, runtime, state } = containers("notify");

let services = 0;

/** A service manager, and a bundle whose program says what it is told to, then stays. */
function service(messages: readonly string[], script = "notify; echo $? >/sent; sleep 1000", edit?: Edit) {
  const path = join(base, `manager-${++services}`);
  const manager = manageService(path);
  const of = bundle(script, edit);
  writeNotifyProgram(join(of.rootfs, "bin/notify"), messages);
  const file = (name: string) => readFileSync(join(of.rootfs, name), "utf8");
  const sent = () =>
    until("the program to have sent", () => existsSync(join(of.rootfs, "sent")) && file("sent") !== "");
  return { ...of, manager, notify: { NOTIFY_SOCKET: path }, file, sent };
}

const create = (of: { dir: string; id: string; notify: Record<string, string> }) =>
  succeeded(runtime(["create", "--bundle", of.dir, of.id], { env: { ...env, ...of.notify } }));

/** Takes the three messages, and answers the barrier as systemd does: by closing what came with it. */
function answer(manager: ReturnType<typeof manageService>, ready: string, mainPid: number): void {
  expect(manager.receive().message).toBe(`${ready}\n`);
  expect(manager.receive().message).toBe(`MAINPID=${mainPid}\n`);
  const { message, fds } = manager.receive();
  expect([message, fds.length]).toEqual(["BARRIER=1", 1]);
  close(fds[0]!);
}

test("start stays until the program says that it is ready, and names the container's init as main process", async () => {
  const of = service(["STATUS=starting", "READY=1\nSTATUS=up", "WATCHDOG=1"]);
  create(of);
  expect(existsSync(join(root, of.id, "notify/notify.sock"))).toBe(false);
  const starting = beside(["start", of.id], of.notify);
  answer(of.manager, "READY=1", state(of.id).pid);
  expect(await starting.ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(of.manager.silent()).toBe(true);
  await of.sent();
  of.manager.close();
});

test("run --detach does the same", async () => {
  const of = service(["READY=1"]);
  const running = beside(["run", "--detach", "--bundle", of.dir, of.id], of.notify);
  expect(of.manager.receive().message).toBe("READY=1\n");
  const { message } = of.manager.receive();
  expect(message).toBe(`MAINPID=${state(of.id).pid}\n`);
  close(of.manager.receive().fds[0]!);
  expect((await running.ended).code).toBe(0);
  expect(state(of.id).status).toBe("running");
  of.manager.close();
});

for (const terminal of [false, true]) {
  needs("ready later in the foreground")(
    `run in the foreground ${terminal ? "on a terminal " : ""}is the main process itself, and reads what comes later`,
    async () => {
      const later = Array.from({ length: 400 }, () => "WATCHDOG=1");
      const of = service(["READY=1", ...later], "notify; echo $? >/sent; exit 3", (config) => {
        config.process.terminal = terminal;
      });
      const running = beside(["run", "--bundle", of.dir, of.id], of.notify);
      expect(of.manager.receive().message).toBe("READY=1\n");
      expect(of.manager.receive().message).toBe(`MAINPID=${running.pid}\n`);
      expect((await running.ended).code).toBe(3);
      expect(of.file("sent")).toBe("0\n");
      of.manager.close();
    },
  );
}

test("start returns when the program ends without a word", async () => {
  const of = service([], "exit 0");
  create(of);
  expect(await beside(["start", of.id], of.notify).ended).toMatchObject({ code: 0, hung: false });
  expect(of.manager.silent()).toBe(true);
  of.manager.close();
});

test("the program finds its socket by its variable, in a directory that it can't change", () => {
  const of = service(
    [],
    'echo "$NOTIFY_SOCKET" >/told; touch /run/notify/mine 2>/told2; ls -ld /run/notify >/listed',
    (config) => {
      config.process.user = { uid: 0, gid: 0 };
    },
  );
  succeeded(runtime(["run", "--bundle", of.dir, of.id], { env: { ...env, ...of.notify } }));
  expect(of.file("told")).toBe("/run/notify/notify.sock\n");
  expect(of.file("told2")).toContain("Read-only file system");
  expect(of.file("listed")).toStartWith("drwxr-xr-x");
  of.manager.close();
});

needs("root")("every user of the container may send, in a user namespace too", async () => {
  const of = service(["READY=1"], "notify && sleep 1000", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.linux.namespaces.push({ type: "user" });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  });
  Bun.spawnSync(["chown", "-R", "100000:100000", of.rootfs]);
  create(of);
  const starting = beside(["start", of.id], of.notify);
  answer(of.manager, "READY=1", state(of.id).pid);
  expect((await starting.ended).code).toBe(0);
  expect(statSync(join(root, of.id, "notify/notify.sock")).mode & 0o777).toBe(0o777);
  of.manager.close();
});

test("delete removes the socket with the container", () => {
  const of = service([]);
  create(of);
  expect(readdirSync(join(root, of.id))).toContain("notify");
  succeeded(runtime(["delete", of.id]));
  expect(existsSync(join(root, of.id))).toBe(false);
  of.manager.close();
});

test("a start that finds no service manager doesn't start the program", () => {
  const of = service([], "echo ran >/ran");
  create(of);
  const outcome = runtime(["start", of.id], { env: { ...env, NOTIFY_SOCKET: join(base, "nobody") } });
  expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringMatching(/nobody.*no such file or directory/)]);
  expect(state(of.id).status).toBe("created");
  expect(existsSync(join(of.rootfs, "ran"))).toBe(false);
  of.manager.close();
});

needs("stricter than runc")("start with NOTIFY_SOCKET wants a container that was created with it", () => {
  const of = service([]);
  succeeded(runtime(["create", "--bundle", of.dir, of.id]));
  const outcome = runtime(["start", of.id], { env: { ...env, ...of.notify } });
  expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringMatching(/created without NOTIFY_SOCKET/)]);
  of.manager.close();
});

needs("stricter than runc")(
  "an address that is no Unix socket is refused, and a bundle that is wrong leaves nothing",
  () => {
    const of = service([]);
    for (const address of ["vsock:2:1234", "relative/socket", "@"]) {
      const outcome = runtime(["create", "--bundle", of.dir, of.id], { env: { ...env, NOTIFY_SOCKET: address } });
      expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringContaining("NOTIFY_SOCKET")]);
    }
    writeFileSync(join(of.dir, "config.json"), "{}");
    mkdirSync(root, { recursive: true });
    expect(runtime(["create", "--bundle", of.dir, of.id], { env: { ...env, ...of.notify } }).code).toBe(1);
    expect(readdirSync(root)).toEqual([]);
    of.manager.close();
  },
);

test("an abstract socket of the service manager is found, too", async () => {
  const name = `@${base}/abstract`;
  const manager = manageService(name);
  const of = { ...service(["READY=1"]), notify: { NOTIFY_SOCKET: name } };
  create(of);
  const starting = beside(["start", of.id], of.notify);
  answer(manager, "READY=1", state(of.id).pid);
  expect((await starting.ended).code).toBe(0);
  manager.close();
  of.manager.close();
});
