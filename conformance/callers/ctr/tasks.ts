import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually, matches } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import { noCheckpoint, unmountedHierarchy } from "../machine.ts";
import { cgroupsLeft, cpuTicks } from "../processes.ts";
import type { Containerd } from "./containerd.ts";

const waits = 'trap "exit 3" TERM; trap "echo usr1 >/home/u" USR1; sleep 0.1; while :; do sleep 0.05; done';

/** One container in the background: exec, signals, pausing, the daemon's restart, its end. */
export async function ctrTasks(containerd: Containerd): Promise<void> {
  await check("task: in the background", () => containerd.start("d1", "sh", "-c", waits));
  await equals("task: is running", async () => (await containerd.task("d1")).status, "RUNNING");
  await exec(containerd);
  await control(containerd);
  await ends(containerd);
  await checkpoint(containerd);
}

async function exec({ ctr, task }: Containerd): Promise<void> {
  const into = (id: string, ...words: string[]) => ctr("task", "exec", "--exec-id", id, ...words);
  await says("exec: output", into("e1", "d1", "echo", "from-exec"), { says: /^from-exec$/m });
  await says("exec: exit status", into("e2", "d1", "sh", "-c", "exit 9"), { status: 9 });
  await says(
    "exec: user and working directory",
    into("e3", "--user", "1000:1000", "--cwd", "/etc", "d1", "sh", "-c", "id; pwd"),
    { says: [/uid=1000/, /^\/etc$/m] },
  );
  const fed = ["sh", "-c", '(echo exec-in; sleep 1) | "$@"', "sh"];
  await says("exec: input", [...fed, ...into("e4", "d1", "cat")], { says: /^exec-in$/m });
  await says("exec: no such program", into("e5", "d1", "/nonexistent"), {
    status: 1,
    says: [/OCI runtime exec failed/, /no such file or directory/],
  });
  await saysAtTerminal("exec: a terminal", into("e6", "-t", "d1", "sh", "-c", "tty; sleep 1; exit 8"), {
    status: 8,
    says: /\/dev\/pts\//,
  });
  await says("exec: detached", into("e7", "-d", "d1", "sh", "-c", "echo det >/home/det; sleep 30"));
  await check("exec: the detached one ran", () =>
    eventually(() => answer(into("e8", "d1", "test", "-s", "/home/det"))),
  );
  await check("task: ps lists all", async () => {
    const { pid } = await task("d1");
    matches(await answer(ctr("task", "ps", "d1")), new RegExp(`^${pid} `, "m"), /e7/);
  });
  await says("task: metrics", ctr("task", "metrics", "d1"), { says: /memory/, machine: unmountedHierarchy() });
}

async function control({ ctr, task, restart }: Containerd): Promise<void> {
  const { pid } = await task("d1");
  await says("task: pause", ctr("task", "pause", "d1"));
  await equals("task: is paused", async () => (await task("d1")).status, "PAUSED");
  await check("task: uses no CPU while paused", async () => {
    const before = cpuTicks(pid);
    await Bun.sleep(500);
    equal(cpuTicks(pid), before);
  });
  await says("task: resume", ctr("task", "resume", "d1"));
  await equals("task: is running again", async () => (await task("d1")).status, "RUNNING");
  await says("task: a signal", ctr("task", "kill", "-s", "SIGUSR1", "d1"));
  let attempt = 0;
  await check("task: the signal arrived", () =>
    eventually(() => answer(ctr("task", "exec", "--exec-id", `u${attempt++}`, "d1", "test", "-s", "/home/u"))),
  );
  await check("task: outlives containerd", async () => {
    await restart();
    equal((await task("d1")).pid, pid);
  });
  await says("exec: after containerd's restart", ctr("task", "exec", "--exec-id", "a1", "d1", "echo", "again"), {
    says: /^again$/m,
  });
}

async function ends({ ctr, task, start, remove, run: once, image, place }: Containerd): Promise<void> {
  const stopped = (id: string) => eventually(async () => equal((await task(id)).status, "STOPPED"));
  await says("task: SIGTERM", ctr("task", "kill", "-s", "SIGTERM", "d1"));
  await check("task: is stopped", () => stopped("d1"));
  // ctr says the status of what it removes in a warning.
  await says("task: removal tells the exit status", ctr("task", "rm", "d1"), { says: /exit code 3/ });
  await run(ctr("container", "rm", "d1"));
  await check("task: 137 after SIGKILL", async () => {
    await start("d2", "sleep", "100");
    await answer(ctr("task", "kill", "-s", "SIGKILL", "d2"));
    await stopped("d2");
    matches((await run(ctr("task", "rm", "d2"))).output, /exit code 137/);
    await answer(ctr("container", "rm", "d2"));
  });
  await check("task: kill --all", async () => {
    await start("d3", "sh", "-c", "sleep 100 & sleep 100");
    await answer(ctr("task", "kill", "--all", "-s", "9", "d3"));
    await stopped("d3");
    await remove("d3");
  });
  // Without a pid namespace of its own, the shim has to kill what the first process leaves.
  const shared = once("--with-ns", `pid:/proc/${process.pid}/ns/pid`, image, "d4", "sh", "-c", "sleep 1000 & exit 4");
  await says("task: a shared pid namespace", shared, { status: 4 });
  await check("task: its other processes are killed", () =>
    eventually(() => equal(cgroupsLeft(place.cgroup, /^\/harness$/), "")),
  );
}

async function checkpoint({ ctr, start, remove, task, place }: Containerd): Promise<void> {
  const images = join(place.scratch, "checkpoint");
  mkdirSync(images);
  await start("k1", "sleep", "100");
  await check(
    "task: checkpoint and restore",
    async () => {
      await answer(ctr("task", "checkpoint", "--image-path", images, "k1"));
      equal(existsSync(join(images, "inventory.img")) ? "an inventory" : "none", "an inventory");
      await answer(ctr("containers", "checkpoint", "--task", "--rw", "k1", "localhost/checkpoint:1"));
      // The restored one has its specification, cgroup and all.
      await remove("k1");
      await answer(ctr("containers", "restore", "--live", "k2", "localhost/checkpoint:1"));
      equal((await task("k2")).status, "RUNNING");
    },
    noCheckpoint(),
  );
  for (const id of ["k1", "k2"]) await remove(id).catch(() => "it was not made, or is gone already");
}
