import { expect, test } from "bun:test";
import { runBounded } from "./run-bounded.ts";

test("a command that takes too long is killed with its children", async () => {
  const run = await runBounded(["sh", "-c", "sleep 600 & echo $!; wait"], { limitMs: 300 });
  expect(run.timedOut).toBe(true);
  expect(run.exitCode).toBeNull();
  await Bun.sleep(50);
  const state = await Bun.file(`/proc/${run.stdout.trim()}/stat`)
    .text()
    .catch(() => "gone Z ");
  expect(state).toMatch(/ Z /);
});

test("a child that keeps the output open does not hold the command up", async () => {
  const run = await runBounded(["sh", "-c", "sleep 5 & echo $!; exit 3"], { limitMs: 4000 });
  process.kill(Number(run.stdout), "SIGKILL");
  expect(run).toMatchObject({ exitCode: 3, timedOut: false });
  expect(run.seconds).toBeLessThan(3);
});

test("what is given as input is read to its end; without it stdin is empty", async () => {
  expect((await runBounded(["cat"], { limitMs: 4000, input: "two\nlines" })).stdout).toBe("two\nlines");
  expect((await runBounded(["cat"], { limitMs: 4000 })).stdout).toBe("");
});
