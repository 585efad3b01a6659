/** exec into containers of every sort. */
import { expect } from "bun:test";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, put, withoutNamespace } from "./bundle.ts";
import { cgroupDirectory } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint, type Outcome } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, beside, bundle, create, env, running, runtime, state } = containers("exec-into");
const test = needs("exec command");
const withUsers = needs("exec command", "user namespaces");

const exec = (id: string, script: string, ...flags: string[]): Outcome =>
  runtime(["exec", ...flags, id, "sh", "-c", script]);

const host = 100_000;

const mapped: Edit = (config) => {
  config.linux.namespaces.push({ type: "user" });
  config.linux.uidMappings = [{ containerID: 0, hostID: host, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: host, size: 65_536 }];
};

/** A running container in a user namespace, whose root owns the image. */
function runningMapped(edit?: Edit) {
  const of = bundle("sleep 1000", (config) => {
    mapped(config);
    edit?.(config);
  });
  for (const dir of ["", "tmp", "etc", "dev", "proc", "sys", "root"]) chownSync(join(of.rootfs, dir), host, host);
  succeeded(runtime(["create", "--bundle", of.dir, of.id]));
  succeeded(runtime(["start", of.id]));
  return of;
}

withUsers("in a user namespace the process has its ids", () => {
  const of = runningMapped();
  const script = "id -u; id -g; id -G; readlink /proc/self/ns/user; grep ^Uid /proc/self/status";
  const seen = succeeded(exec(of.id, script)).stdout.split("\n");
  expect(seen.slice(0, 4)).toEqual(["0", "0", "0", readlinkSync(`/proc/${state(of.id).pid}/ns/user`)]);
  expect(seen[4]).toBe("Uid:\t0\t0\t0\t0");
  expect(succeeded(exec(of.id, "id -u; id -g", "--user", "5:6")).stdout).toBe("5\n6\n");
});

withUsers("in a user namespace limits are those of the config", () => {
  const of = runningMapped((config) => {
    config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 200, hard: 300 }];
  });
  expect(succeeded(exec(of.id, "ulimit -Sn; ulimit -Hn")).stdout).toBe("200\n300\n");
});

withUsers("in a user namespace an id that is not mapped is refused", () => {
  const outcome = exec(runningMapped().id, "echo ran", "--user", "70000");
  expect(outcome).toMatchObject({ code: 255, stdout: "" });
  expect(complaint(outcome)).toMatch(/unmapped|invalid argument/i);
});

withUsers("in all namespaces there are", () => {
  const of = runningMapped((config) => {
    for (const type of ["cgroup", "time"]) config.linux.namespaces.push({ type });
  });
  const pid = state(of.id).pid;
  for (const name of readdirSync("/proc/self/ns")) {
    expect(exec(of.id, `readlink /proc/self/ns/${name}`).stdout.trim()).toBe(readlinkSync(`/proc/${pid}/ns/${name}`));
  }
});

test("a container that shares the caller's pid namespace", () => {
  const of = running((config) => withoutNamespace(config, "pid"));
  expect(succeeded(exec(of.id, "readlink /proc/self/ns/pid; echo $$")).stdout).toStartWith(
    readlinkSync("/proc/self/ns/pid"),
  );
});

needs("exec command", "exec without mount namespace")(
  "a container without a mount namespace is its root directory",
  () => {
    const of = running((config) => {
      withoutNamespace(config, "mount");
      config.mounts = [];
      put(config, "/linux/maskedPaths", undefined);
      put(config, "/linux/readonlyPaths", undefined);
      put(config, "/linux/rootfsPropagation", undefined);
    });
    writeFileSync(join(of.rootfs, "here"), "inside");
    expect(succeeded(exec(of.id, "cat /here; cat /../../here; pwd")).stdout).toBe("insideinside/\n");
    expect(succeeded(exec(of.id, "pwd; ls -d ../here", "--cwd", "/tmp")).stdout).toBe("/tmp\n../here\n");
  },
);

needs("exec command", "start without /proc")("an image without /proc", () => {
  const of = running((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
    put(config, "/linux/maskedPaths", undefined);
    put(config, "/linux/readonlyPaths", undefined);
  });
  expect(succeeded(exec(of.id, "ls /proc | wc -l; echo ran; id -u", "--user", "7")).stdout).toBe("0\nran\n7\n");
});

test("a container whose /proc hides other processes", () => {
  const of = running((config) => {
    config.mounts[0]!.options = ["hidepid=2"];
  });
  expect(
    succeeded(exec(of.id, "ls -d /proc/1 2>&1; echo $$ >/tmp/x; ls -d /proc/self", "--user", "7")).stdout,
  ).toContain("/proc/self");
});

test("a container whose root file system is read-only", () => {
  const of = running((config) => {
    config.root.readonly = true;
  });
  expect(succeeded(exec(of.id, "touch /x 2>/dev/null || echo read-only")).stdout).toBe("read-only\n");
});

test("a created container stays created, and can be started", async () => {
  const of = create("echo started; sleep 1000");
  expect(succeeded(exec(of.id, "echo ran; ls /proc/1/fd >/dev/null 2>&1; pwd")).stdout).toBe("ran\n/\n");
  expect(state(of.id).status).toBe("created");
  succeeded(runtime(["start", of.id]));
  await until("its output", () => of.logs().stdout.includes("started"));
});

needs("exec command", "pause command")("--ignore-paused waits until the container goes on", async () => {
  const of = running();
  succeeded(runtime(["pause", of.id]));
  const waiting = beside(["exec", "--ignore-paused", of.id, "echo", "ran"]);
  await Bun.sleep(300);
  expect(state(of.id).status).toBe("paused");
  succeeded(runtime(["resume", of.id]));
  expect(await waiting.ended).toMatchObject({ code: 0, stdout: "ran\n", hung: false });
});

needs("exec command", "pause command")(
  "a paused container that is deleted ends the exec that waits for it",
  async () => {
    const of = running();
    succeeded(runtime(["pause", of.id]));
    const waiting = beside(["exec", "--ignore-paused", of.id, "echo", "ran"]);
    await Bun.sleep(300);
    succeeded(runtime(["delete", "--force", of.id]));
    const outcome = await waiting.ended;
    expect([outcome.hung, outcome.stdout]).toEqual([false, ""]);
    expect(outcome.code).not.toBe(0);
  },
);

needs("exec command", "pause command")("an exec that is killed while it waits starts nothing", async () => {
  const of = running();
  succeeded(runtime(["pause", of.id]));
  const waiting = beside(["exec", "--ignore-paused", of.id, "touch", "/ran"]);
  await Bun.sleep(300);
  waiting.kill();
  await waiting.ended;
  succeeded(runtime(["resume", of.id]));
  const alone = () => succeeded(exec(of.id, "ls -d /proc/[0-9]* | wc -l")).stdout;
  // init, the shell, ls and wc.
  await until("the program to end", () => Number(alone()) <= 4);
  expect(existsSync(join(of.rootfs, "ran"))).toBe(false);
});

test("a container that ends ends its execs, with 128+9", async () => {
  const of = running();
  const running1 = beside(["exec", of.id, "sh", "-c", "echo up; sleep 1000"]);
  await until("the process", () => countInside(of.id) >= 2);
  succeeded(runtime(["kill", of.id, "KILL"]));
  expect(await running1.ended).toMatchObject({ code: 137, hung: false });
});

function countInside(id: string): number {
  return readFileSync(join(cgroupDirectory(id, "devices"), "cgroup.procs"), "utf8")
    .trim()
    .split("\n").length;
}

test("exec while the container is killed ends in one way or the other, and leaves nothing", async () => {
  for (let round = 0; round < 5; round++) {
    const of = running();
    const calls = [0, 1, 2].map(() => beside(["exec", of.id, "echo", "ran"]));
    await Bun.sleep(round * 2);
    runtime(["kill", of.id, "KILL"]);
    for (const call of calls) {
      const outcome = await call.ended;
      expect(outcome.hung).toBe(false);
      if (outcome.code === 0) expect(outcome.stdout).toBe("ran\n");
      else expect([255, 137, 1]).toContain(outcome.code!);
    }
  }
});

// An ordinary user's container. nobody has no subordinate ids, so that only itself can be mapped; and no service manager.
const withoutSession = needs("exec command", "user namespaces", "cgroupfs driver");

const user = 65_534;
const home = join(base, "nobody");
mkdirSync(home);
chownSync(home, user, user);
const asNobody = ["setpriv", "--reuid", `${user}`, "--regid", `${user}`, "--clear-groups"];

const rootless: Edit = (config: Config) => {
  config.linux.namespaces = ["pid", "ipc", "uts", "mount", "user"].map((type) => ({ type }));
  config.linux.uidMappings = [{ containerID: 0, hostID: user, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: user, size: 1 }];
  config.linux.resources = undefined;
  config.linux.cgroupsPath = undefined;
  config.mounts = config.mounts.filter((mount) => mount.destination !== "/sys");
};

function asUser(args: readonly string[]): Outcome {
  return runtime(["--root", join(home, "root"), ...args], {
    through: asNobody,
    env: { ...env, XDG_RUNTIME_DIR: home, HOME: home },
  });
}

for (const started of [true, false]) {
  withoutSession(`an ordinary user's container, ${started ? "running" : "created"}`, () => {
    const of = bundle("sleep 1000", rootless);
    Bun.spawnSync(["chown", "-R", `${user}:${user}`, of.dir]);
    succeeded(asUser(["create", "--bundle", of.dir, of.id]));
    try {
      if (started) succeeded(asUser(["start", of.id]));
      const script = "id -u; hostname; cat /proc/self/uid_map | tr -s ' '; touch /made && echo made";
      const seen = succeeded(asUser(["exec", of.id, "sh", "-c", script])).stdout;
      expect(seen).toBe(`0\nbox\n 0 ${user} 1\nmade\n`);
      const groups = asUser(["exec", "-g", "5", of.id, "true"]);
      expect(groups.code).toBe(255);
      expect(complaint(groups)).toContain("cannot set any additional groups in a rootless container");
    } finally {
      asUser(["delete", "--force", of.id]);
    }
  });
}
