import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { withoutNamespace } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("pause command", "resume command");

const { beside, create, running, runtime, state } = containers("pause");

const status = (id: string) => state(id).status;

test("a created container can be paused, and started once it is resumed", async () => {
  const of = create("echo went on");
  succeeded(runtime(["pause", of.id]));
  expect(status(of.id)).toBe("paused");
  const refused = runtime(["start", of.id]);
  expect([refused.code, complaint(refused)]).toEqual([
    1,
    expect.stringMatching(/^cannot start a container in the paused state/),
  ]);
  succeeded(runtime(["resume", of.id]));
  expect(status(of.id)).toBe("created");
  succeeded(runtime(["start", of.id]));
  await until("its output", () => of.logs().stdout === "went on\n");
});

test("pause and resume say nothing when they succeed", () => {
  const { id } = running();
  expect(runtime(["pause", id])).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(runtime(["resume", id])).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(status(id)).toBe("running");
});

test("list tells of the pause", () => {
  const { id } = running();
  succeeded(runtime(["pause", id]));
  const listed = JSON.parse(succeeded(runtime(["list", "-f", "json"])).stdout) as { id: string; status: string }[];
  expect(listed).toMatchObject([{ id, status: "paused" }]);
});

test("a paused container can't be paused again, in runc's words", () => {
  const { id } = running();
  succeeded(runtime(["pause", id]));
  const again = runtime(["pause", id]);
  expect([again.code, complaint(again)]).toEqual([1, expect.stringMatching(/^container not running/)]);
  expect(status(id)).toBe("paused");
});

test("a signal waits until the paused container is resumed", async () => {
  const of = create("trap 'echo got it; exit' TERM; echo ready; while :; do sleep 0.01; done");
  succeeded(runtime(["start", of.id]));
  await until("the trap", () => of.logs().stdout === "ready\n");
  succeeded(runtime(["pause", of.id]));
  succeeded(runtime(["kill", of.id, "TERM"]));
  await Bun.sleep(50);
  expect([status(of.id), of.logs().stdout]).toEqual(["paused", "ready\n"]);
  succeeded(runtime(["resume", of.id]));
  await until("its last word", () => of.logs().stdout === "ready\ngot it\n");
});

test("SIGKILL ends a paused container", async () => {
  const { id } = running();
  succeeded(runtime(["pause", id]));
  succeeded(runtime(["kill", id, "KILL"]));
  await until("its end", () => status(id) === "stopped");
  expect(complaint(runtime(["resume", id]))).toMatch(/^container not paused/);
});

needs("frozen processes end", "pause command")(
  "SIGKILL ends all processes of a paused container without a pid namespace",
  async () => {
    const of = create("sleep 1000 & sleep 1000; true", (config) => withoutNamespace(config, "pid"));
    succeeded(runtime(["start", of.id]));
    const pids = () => JSON.parse(succeeded(runtime(["ps", "-f", "json", of.id])).stdout) as number[] | null;
    await until("three processes", () => pids()?.length === 3);
    succeeded(runtime(["pause", of.id]));
    succeeded(runtime(["kill", of.id, "KILL"]));
    await until("their end", () => pids() === null);
  },
);

needs("frozen processes end", "pause command")(
  "the processes of a container without a pid namespace stop too",
  async () => {
    const of = create("while :; do echo a; sleep 0.01; done & while :; do echo b; sleep 0.01; done", (config) =>
      withoutNamespace(config, "pid"),
    );
    succeeded(runtime(["start", of.id]));
    await until("both", () => /a\n.*b\n/s.test(of.logs().stdout));
    succeeded(runtime(["pause", of.id]));
    const { length } = of.logs().stdout;
    await Bun.sleep(100);
    expect(of.logs().stdout).toHaveLength(length);
  },
);

test("a container that forks without end can be paused, again and again", () => {
  const of = create("while :; do true & (true; true) & wait; done");
  succeeded(runtime(["start", of.id]));
  for (let times = 0; times < 5; times++) {
    succeeded(runtime(["pause", of.id]));
    expect(status(of.id)).toBe("paused");
    succeeded(runtime(["resume", of.id]));
  }
});

test("several pauses at once leave the container paused", async () => {
  const { id } = running();
  const outcomes = await Promise.all([1, 2, 3].map(() => beside(["pause", id]).ended));
  expect(outcomes.filter(({ code }) => code === 0)).not.toBeEmpty();
  expect(status(id)).toBe("paused");
});

describe("ps", () => {
  const test = needs("ps command");
  const json = (id: string) => JSON.parse(succeeded(runtime(["ps", "--format", "json", id])).stdout) as number[] | null;

  test("tells the pids that the host sees", async () => {
    const of = create("sleep 1001 & sleep 1002 & wait");
    succeeded(runtime(["start", of.id]));
    await until("three processes", () => json(of.id)?.length === 3);
    expect(json(of.id)).toContain(state(of.id).pid);
    for (const pid of json(of.id)!) {
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toMatch(/^(sh|sleep)\0/);
    }
  });

  test("works while the container is created, and while it is paused", () => {
    const { id } = create("true");
    expect(json(id)).toEqual([state(id).pid]);
    succeeded(runtime(["pause", id]));
    expect(json(id)).toEqual([state(id).pid]);
  });

  test("of a stopped container is null, or a header alone", async () => {
    const of = create("true");
    succeeded(runtime(["start", of.id]));
    await until("its end", () => status(of.id) === "stopped");
    expect(succeeded(runtime(["ps", "-f", "json", of.id])).stdout).toBe("null\n");
    expect(succeeded(runtime(["ps", of.id])).stdout).toMatch(/^UID +PID .*\n$/);
  });

  test("hands what follows the id to the host's ps", () => {
    const { id } = running();
    const { pid } = state(id);
    expect(succeeded(runtime(["ps", id, "-eo", "ppid,pid,comm"])).stdout).toMatch(
      new RegExp(`^ +PPID +PID COMMAND\n +\\d+ +${pid} sleep\n$`),
    );
    expect(succeeded(runtime(["ps", "--format", "table", id, "axo", "pid"])).stdout).toMatch(
      new RegExp(`^ *PID\n *${pid}\n$`),
    );
  });

  const refusals: [what: string, args: (id: string) => string[], words: RegExp][] = [
    ["another format", (id) => ["-f", "yaml", id], /^invalid format option/],
    ["columns without the pid", (id) => [id, "-eo", "comm"], /^couldn't find PID field in ps output/],
    ["an option that ps doesn't know", (id) => [id, "--no-such-option"], /^exit status 1: error: /],
    ["no id", () => [], /requires a minimum of 1 argument/],
    ["an id that isn't there", () => ["not-there"], /^container does not exist/],
  ];
  for (const [what, args, words] of refusals) {
    test(`with ${what} is refused in runc's words`, () => {
      const outcome = runtime(["ps", ...args(running().id)]);
      expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringMatching(words)]);
    });
  }

  test("without the program on PATH is refused in runc's words", () => {
    const outcome = runtime(["ps", running().id], { env: { PATH: "/nowhere" } });
    expect([outcome.code, complaint(outcome)]).toEqual([
      1,
      expect.stringMatching(/exec: "ps": executable file not found in \$PATH/),
    ]);
  });
});
