import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, withoutNamespace } from "./bundle.ts";
import { bySystemd } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { findLeftovers } from "./leftovers.ts";
import { complaint, type Outcome } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, beside, bundle, create, root, running, runtime, state, tag } = containers("interrupted");

/** A hook that says it is there, then sleeps: time enough to kill the runtime in the middle. */
function sleepingHook(kind: string, flag: string) {
  return (config: Config) => {
    config.hooks = { [kind]: [{ path: "/bin/sh", args: ["sh", "-c", `echo >${flag}; exec sleep 3`] }] };
  };
}

const left = () => findLeftovers({ tag, root, tmpdir: join(base, "tmpdir") }).filter((line) => !/sleep 3/.test(line));

for (const kind of ["prestart", "createRuntime", "createContainer"]) {
  needs("recovers from kill -9")(
    `after kill -9 of create in a ${kind} hook, delete --force leaves nothing and the id is free`,
    async () => {
      const flag = join(base, `flag-${kind}`);
      const of = bundle("true", sleepingHook(kind, flag));
      const creating = beside(["create", "--bundle", of.dir, of.id]);
      await until("the hook to run", () => existsSync(flag));
      creating.kill();
      await creating.ended;
      expect(runtime(["list"]).code).toBe(0);
      expect(runtime(["delete", "--force", of.id])).toMatchObject({ code: 0, hung: false });
      await until("everything to be gone", () => left().length === 0);
      succeeded(runtime(["create", "--bundle", bundle("true").dir, of.id]));
      succeeded(runtime(["delete", "--force", of.id]));
    },
  );
}

needs("root", "recovers from kill -9")("after kill -9 of create, parents made for its cgroup go with it", async () => {
  const flag = join(base, "flag-parents");
  const of = bundle("true", (config) => {
    sleepingHook("createRuntime", flag)(config);
    config.linux.cgroupsPath = bySystemd ? `system.slice:${tag}:leaf` : `/${tag}-outer/inner/leaf`;
  });
  const creating = beside(["create", "--bundle", of.dir, of.id]);
  await until("the hook to run", () => existsSync(flag));
  creating.kill();
  await creating.ended;
  expect(runtime(["delete", "--force", of.id])).toMatchObject({ code: 0, hung: false });
  await until("everything to be gone", () => left().length === 0);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  needs("recovers from kill -9")(`${signal} to create leaves nothing that delete --force doesn't remove`, async () => {
    const flag = join(base, `flag-${signal}`);
    const of = bundle("true", sleepingHook("createRuntime", flag));
    const creating = beside(["create", "--bundle", of.dir, of.id]);
    await until("the hook to run", () => existsSync(flag));
    process.kill(creating.pid, signal);
    expect((await creating.ended).code).not.toBe(0);
    expect(runtime(["delete", "--force", of.id])).toMatchObject({ code: 0, hung: false });
    await until("everything to be gone", () => left().length === 0);
  });
}

test("after kill -9 of run in the foreground the container can still be deleted", async () => {
  const of = bundle("sleep 1000");
  const foreground = beside(["run", "--bundle", of.dir, of.id]);
  await until("the container to run", () => runtime(["state", of.id]).stdout.includes('"running"'));
  foreground.kill();
  await foreground.ended;
  succeeded(runtime(["delete", "--force", of.id]));
});

const withHook = (config: Config) => {
  config.hooks = { prestart: [{ path: "/bin/true" }] };
};
/**
 * What is killed → the command line, for a container that is as far as it must be. Not exec: its orphan is the machine's init's to
 * reap, the container's init waits for that, and on a machine whose init is none that can be long.
 */
const killedCommands: readonly [what: string, prepare: () => { id: string; args: readonly string[] }][] = [
  ["create", () => inBundle("create", bundle("sleep 1000"))],
  ["run of a container that asks for nothing", () => inBundle("run", bundle("sleep 1000"))],
  ["run of a container with a hook", () => inBundle("run", bundle("sleep 1000", withHook))],
  ["start", () => on(create("sleep 1000"), "start")],
  ["pause", () => on(running(), "pause")],
  ["delete --force", () => on(running(), "delete", "--force")],
];

function inBundle(command: string, { dir, id }: { dir: string; id: string }) {
  return { id, args: [command, "--bundle", dir, id] };
}

function on({ id }: { id: string }, ...command: readonly string[]) {
  return { id, args: [...command, id] };
}

for (const [what, prepare] of killedCommands) {
  test(`after kill -9 at some moment of ${what} the container can be deleted whole`, async () => {
    for (let tenths = 20; tenths < 140; tenths += 3) {
      const { id, args } = prepare();
      const killed = beside(args);
      const moment = performance.now() + tenths / 10;
      while (performance.now() < moment);
      killed.kill();
      await killed.ended;
      succeeded(runtime(["delete", "--force", id]));
    }
    await until("everything to be gone", () => left().length === 0);
  });
}

test("SIGTERM to run in the foreground reaches the program", async () => {
  const of = bundle("trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
  const foreground = beside(["run", "--bundle", of.dir, of.id]);
  await until("the container to run", () => runtime(["state", of.id]).stdout.includes('"running"'));
  await Bun.sleep(100);
  process.kill(foreground.pid, "SIGTERM");
  expect(await foreground.ended).toMatchObject({ code: 5, stdout: "ready\ncaught\n" });
});

needs("one winner")("of eight creates of one id at once exactly one wins, and its container works", async () => {
  for (let round = 0; round < 5; round++) {
    const of = bundle("sleep 1000");
    const calls = Array.from({ length: 8 }, () => beside(["create", "--bundle", of.dir, of.id]));
    const outcomes = await Promise.all(calls.map(({ ended }) => ended));
    expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
    for (const lost of outcomes.filter(({ code }) => code !== 0)) {
      expect(complaint(lost)).toMatch(/container with given ID already exists/);
    }
    succeeded(runtime(["start", of.id]));
    expect(state(of.id).status).toBe("running");
    succeeded(runtime(["delete", "--force", of.id]));
  }
});

needs("one start wins")("of four starts at once exactly one wins", async () => {
  const of = create("sleep 1000");
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => beside(["start", of.id]).ended));
  expect(outcomes.filter(({ code }) => code === 0).length).toBe(1);
  expect(outcomes.some(({ hung }) => hung)).toBe(false);
  expect(state(of.id).status).toBe("running");
});

test("containers that are created at once don't disturb each other", async () => {
  const all = Array.from({ length: 10 }, () => bundle("sleep 1000"));
  const outcomes = await Promise.all(all.map((of) => beside(["create", "--bundle", of.dir, of.id]).ended));
  expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, ""]));
});

const races: [name: string, first: string[], second: string[]][] = [
  ["start beside delete --force", ["start"], ["delete", "--force"]],
  ["kill beside delete --force", ["kill", "+KILL"], ["delete", "--force"]],
  ["delete --force beside itself", ["delete", "--force"], ["delete", "--force"]],
  ["state beside delete --force", ["state"], ["delete", "--force"]],
];

for (const [name, first, second] of races) {
  const argv = (words: string[], id: string) => [
    words[0]!,
    ...words.slice(1).filter((word) => word[0] === "-"),
    id,
    ...words.filter((word) => word[0] === "+").map((word) => word.slice(1)),
  ];
  test(`${name}: none hangs, and nothing is left`, async () => {
    for (let round = 0; round < 8; round++) {
      const of = create("sleep 1000");
      const outcomes: Outcome[] = await Promise.all([first, second].map((words) => beside(argv(words, of.id)).ended));
      for (const outcome of outcomes)
        expect([outcome.hung, outcome.stderr]).toEqual([
          false,
          expect.not.stringMatching(/internal error|panic|goroutine/),
        ]);
      expect(runtime(["delete", "--force", of.id])).toMatchObject({ code: 0, hung: false });
    }
    await until("everything to be gone", () => left().length === 0);
  });
}

test("list is calm while containers come and go", async () => {
  const lists: Outcome[] = [];
  for (let round = 0; round < 5; round++) {
    const of = running();
    const listing = [beside(["list"]), beside(["list"])];
    runtime(["delete", "--force", of.id]);
    lists.push(...(await Promise.all(listing.map(({ ended }) => ended))));
  }
  expect(lists.filter(({ code, hung }) => code !== 0 || hung)).toEqual([]);
});

test("a program that ends at once never makes start fail", () => {
  for (let round = 0; round < 20; round++) {
    const of = create("", (config) => {
      config.process.args = ["/bin/true"];
    });
    succeeded(runtime(["start", of.id]));
    succeeded(runtime(["delete", "--force", of.id]));
  }
});

test("an init that is killed before start is told, and deleted", async () => {
  const of = create("true");
  process.kill(state(of.id).pid, "SIGKILL");
  await until("the init to end", () => state(of.id).status === "stopped");
  succeeded(runtime(["delete", of.id]));
});

needs("own cgroup")("a process that outlives the init in the caller's pid namespace is ended by delete", async () => {
  const of = create(`sleep 1000 & echo $! >/pid`, (config) => {
    withoutNamespace(config, "pid");
  });
  succeeded(runtime(["start", of.id]));
  await until("the init to end", () => state(of.id).status === "stopped");
  expect(existsSync(`/proc/${readFileSync(join(of.rootfs, "pid"), "utf8").trim()}`)).toBe(true);
  succeeded(runtime(["delete", "--force", of.id]));
});

needs("root", "recovers from kill -9")(
  "what is mounted in a container's directory is unmounted, and nothing in it is removed",
  () => {
    const of = running();
    const [mount, file] = [join(root, of.id, "criu-root"), join(of.rootfs, "kept")];
    mkdirSync(mount);
    writeFileSync(file, "kept");
    expect(Bun.spawnSync(["mount", "--bind", of.rootfs, mount]).exitCode).toBe(0);
    succeeded(runtime(["delete", "--force", of.id]));
    expect(readFileSync(file, "utf8")).toBe("kept");
    expect(existsSync(join(root, of.id))).toBe(false);
  },
);
