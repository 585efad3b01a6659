import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config, Hook } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, run, runBundle, runtime, state } = containers("hooks");

/** What hooks of the host side write to, told apart by a number. */
let count = 0;
const log = () => join(base, `hooks-${++count}`);
const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  ...more,
});
const written = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");

const hostSide = ["prestart", "createRuntime", "poststart", "poststop"] as const;

/** One hook of each kind, that adds its name to a file: on the host, and in the image for those that run inside. */
function tracing(file: string): (config: Config) => void {
  return (config) => {
    config.hooks = {};
    for (const kind of hostSide) config.hooks[kind] = [shell(`echo ${kind} >>${file}`)];
    config.hooks.createContainer = [shell(`echo createContainer >>${file}`)];
    config.hooks.startContainer = [{ ...shell("echo startContainer >>/trace"), path: "/bin/sh" }];
  };
}

test("hooks run in the order of the specification, each at its time", () => {
  const file = log();
  const of = create("echo program >>/trace", tracing(file));
  expect(written(file)).toStartWith("prestart\ncreateRuntime\ncreateContainer\n");
  expect(written(join(of.rootfs, "trace"))).toBe("");
  succeeded(runtime(["start", of.id]));
  for (let tries = 0; tries < 200 && state(of.id).status !== "stopped"; tries++) Bun.sleepSync(10);
  expect(written(join(of.rootfs, "trace"))).toBe("startContainer\nprogram\n");
  expect(written(file)).toBe("prestart\ncreateRuntime\ncreateContainer\npoststart\n");
  succeeded(runtime(["delete", of.id]));
  expect(written(file)).toEndWith("poststart\npoststop\n");
});

test("several hooks of a kind run in the order of the config", () => {
  const file = log();
  run("true", (config) => {
    config.hooks = { createRuntime: ["a", "b", "c"].map((word) => shell(`echo ${word} >>${file}`)) };
  });
  expect(written(file)).toBe("a\nb\nc\n");
});

const statusOf = { prestart: "creating", createRuntime: "creating", createContainer: "creating", poststop: "stopped" };

for (const [kind, status] of Object.entries(statusOf)) {
  test(`a ${kind} hook gets the state, ${status}, on its standard input`, () => {
    const file = log();
    const of = bundle("true", (config) => {
      config.annotations = { "org.example.key": "value <&>" };
      config.hooks = { [kind]: [shell(`cat >${file}`)] };
    });
    succeeded(runBundle(of));
    const told = JSON.parse(written(file)) as Record<string, unknown>;
    expect(told).toMatchObject({ id: of.id, status, bundle: of.dir, annotations: { "org.example.key": "value <&>" } });
    expect(told.ociVersion).toMatch(/^1\.\d+\.\d+/);
    if (kind === "poststop") expect(told.pid ?? 0).toBe(0);
    else expect(told.pid).toBeGreaterThan(0);
  });
}

test("a startContainer hook gets the state, created, and runs inside as the user", () => {
  const of = bundle("true", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.hooks = { startContainer: [shell("cat >/tmp/state; id -u >/tmp/uid")] };
  });
  succeeded(runBundle(of));
  expect(JSON.parse(written(join(of.rootfs, "tmp/state")))).toMatchObject({ id: of.id, status: "created" });
  expect(written(join(of.rootfs, "tmp/uid"))).toBe("1000\n");
});

test("a startContainer hook runs under a profile that refuses clone3 and close_range, as old ones do", () => {
  const of = bundle("true", (config) => {
    config.process.noNewPrivileges = false;
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["clone3", "close_range"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
    };
    config.hooks = { startContainer: [shell("echo ran >/tmp/ran")] };
  });
  succeeded(runBundle(of));
  expect(written(join(of.rootfs, "tmp/ran"))).toBe("ran\n");
});

needs("hooks under the filter")("a startContainer hook runs with the container's filter in force", () => {
  const outcome = run("true", (config) => {
    config.process.noNewPrivileges = true;
    config.process.rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }];
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL" }],
    };
    config.hooks = { startContainer: [{ path: "/bin/busybox", args: ["mkdir", "/dev/shm/made"] }] };
  });
  expect(complaint(outcome)).toMatch(/error running startContainer hook #0: .*SIGSYS \(bad system call\)/);
});

needs("hook's terminal")("what a failing startContainer hook says on the container's terminal is shown", () => {
  const outcome = run("true", (config) => {
    config.process.terminal = true;
    config.hooks = { startContainer: [shell("echo no such luck; exit 1")] };
  });
  expect(outcome.code).not.toBe(0);
  expect(outcome.stdout).toContain("no such luck");
});

for (const kind of [...hostSide, "createContainer"] as const) {
  test(`a ${kind} hook has the environment and the arguments of the config, and no more`, () => {
    const file = log();
    run("true", (config) => {
      config.hooks = {
        [kind]: [
          {
            path: "/bin/sh",
            args: ["zero", "-c", `echo $0 "$1" >${file}; env >>${file}`, "zero", "a b"],
            env: ["X=1"],
          },
        ],
      };
    });
    const lines = written(file).trim().split("\n");
    expect(lines[0]).toBe("zero a b");
    expect(lines.slice(1).filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual(["X=1"]);
  });
}

test("a hook on the host without an environment of its own has the caller's, and nothing of the engine's", () => {
  const file = log();
  const of = bundle("true", (config) => {
    config.hooks = { createRuntime: [shell(`/usr/bin/env >${file}`)] };
  });
  const env = { PATH: process.env.PATH!, MARK: "a b=c" };
  succeeded(runBundle(of, { env }));
  const lines = written(file).trim().split("\n");
  expect(lines).toContain("MARK=a b=c");
  expect(lines.filter((line) => /^(BUN|JSC|MIMALLOC)/i.test(line))).toEqual([]);
});

for (const kind of ["createRuntime", "createContainer"] as const) {
  for (const rlimits of [[], [{ type: "RLIMIT_NOFILE", soft: 64, hard: 128 }]]) {
    test(`a ${kind} hook has the caller's limits of open files, with ${rlimits.length} of the container's own`, () => {
      const file = log();
      const of = bundle("true", (config) => {
        config.process.rlimits = rlimits;
        config.hooks = { [kind]: [shell(`ulimit -Sn >${file}; ulimit -Hn >>${file}`)] };
      });
      const limited = { through: ["bash", "-c", 'ulimit -Sn 777; ulimit -Hn 4321; exec "$@"', "bash"] };
      succeeded(runBundle(of, limited));
      expect(written(file)).toBe("777\n4321\n");
    });
  }
}

test("a hook without args has its path as argv[0]", () => {
  const file = log();
  const script = join(base, "argv0");
  writeFileSync(script, `#!/bin/sh\necho "$0 $#" >${file}\n`);
  chmodSync(script, 0o755);
  run("true", (config) => {
    config.hooks = { createRuntime: [{ path: script }] };
  });
  expect(written(file)).toBe(`${script} 0\n`);
});

test("a createRuntime hook runs in the caller's namespaces, a createContainer hook in the container's", () => {
  const file = log();
  run("true", (config) => {
    const hook = [shell(`readlink /proc/self/ns/uts >>${file}`)];
    config.hooks = { createRuntime: hook, createContainer: hook };
  });
  const [outside, within] = written(file).trim().split("\n");
  expect(outside).toBe(Bun.spawnSync(["readlink", "/proc/self/ns/uts"]).stdout.toString().trim());
  expect(within).not.toBe(outside);
});

for (const kind of ["prestart", "createRuntime", "createContainer"] as const) {
  test(`a ${kind} hook that fails undoes everything, and poststop hooks run`, () => {
    const file = log();
    const of = bundle("echo ran", (config) => {
      config.hooks = {
        [kind]: [shell("echo why >&2; exit 3"), shell(`echo second >>${file}`)],
        poststop: [shell(`echo poststop >>${file}`)],
      };
    });
    const outcome = runtime(["create", "--bundle", of.dir, of.id]);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(/error running (\w+ )?hook #0/);
    expect(complaint(outcome)).toMatch(/exit status 3.*why/s);
    expect(written(file)).toBe("poststop\n");
    expect(runtime(["state", of.id]).stderr).toMatch(/container does not exist/);
  });
}

test("a startContainer hook that fails ends the container before its program", () => {
  const outcome = run("echo ran", (config) => {
    config.hooks = { startContainer: [shell("exit 3")] };
  });
  expect(outcome.code).not.toBe(0);
  expect(outcome.stdout).not.toContain("ran");
});

test("a poststart hook that fails ends the container", () => {
  const outcome = run("sleep 1000", (config) => {
    config.hooks = { poststart: [shell("exit 3")] };
  });
  expect(outcome.code).toBe(1);
});

test("a hook that runs longer than its timeout is killed", () => {
  const before = Date.now();
  const outcome = run("true", (config) => {
    config.hooks = { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "30"], timeout: 1 }, shell("exit 0")] };
  });
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toMatch(/ran past specified timeout of 1/);
  expect(Date.now() - before).toBeLessThan(5000);
});

test("a hook that doesn't read its input is fine", () => {
  expect(
    run("exit 7", (config) => {
      config.hooks = { createRuntime: [{ path: "/bin/true" }] };
    }).code,
  ).toBe(7);
});

for (const [name, path] of [
  ["doesn't exist", "/nope"],
  ["isn't executable", "/etc/passwd"],
  ["is relative", "bin/true"],
] as const) {
  test(`a hook whose path ${name} makes create fail`, () => {
    const outcome = run("echo ran", (config) => {
      config.hooks = { createRuntime: [{ path }] };
    });
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).toContain(path);
  });
}

needs("json pointers")("a failing hook is named by its place", () => {
  const outcome = run("true", (config) => {
    config.hooks = { createRuntime: [shell("true"), shell("exit 1")] };
  });
  expect(outcome.stderr).toContain("/hooks/createRuntime/1");
});
