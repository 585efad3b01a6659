import { existsSync, readFileSync } from "node:fs";
import { check, equal, eventually, matches } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import { unmountedHierarchy } from "../machine.ts";
import { cgroupFile, commandLine, cpuTicks, processesOf } from "../processes.ts";
import type { Engine } from "./engine.ts";

const waits =
  'trap "echo got-term; exit 3" TERM; trap "echo got-usr1" USR1; echo started; while :; do sleep 0.05; done';

/** One container in the background, named d1: exec, statistics, pausing, limits that change, signals, its end. */
export async function running(engine: Engine): Promise<void> {
  const { client, inspect, image } = engine;
  await says("run -d: a container", engine.start("d1", image, "sh", "-c", waits), { says: /^[0-9a-f]{64}$/m });
  const logs = async () => (await run(client("logs", "d1"))).output;
  await check("logs: what it wrote", () => eventually(async () => matches(await logs(), /started/)));
  await check("inspect: running, and its pid", async () => {
    const [status, pid = ""] = (await inspect("{{.State.Status}} {{.State.Pid}}", "d1")).split(" ");
    equal(`${status} ${existsSync(`/proc/${pid}`)}`, "running true");
  });
  await exec(engine);
  await observed(engine);
  await paused(engine);
  await updated(engine);
  await says("kill -s: a signal", client("kill", "-s", "USR1", "d1"));
  await check("kill -s: the signal arrived", () => eventually(async () => matches(await logs(), /got-usr1/)));
}

/** What is left of d1, and another one that does not listen to SIGTERM. */
export async function stopping(engine: Engine): Promise<void> {
  const { client, inspect, image } = engine;
  const exited = () => inspect("{{.State.Status}} {{.State.ExitCode}}", "d1");
  await says("stop: a container that heeds SIGTERM", client("stop", "-t", "20", "d1"));
  await equals("stop: its exit status", exited, "exited 3");
  await says("logs: after its end", client("logs", "d1"), { says: /got-term/ });
  await says("start: again", client("start", "d1"));
  await says("restart", client("restart", "-t", "20", "d1"));
  await says("kill", client("kill", "d1"));
  await check("wait: 137 after a kill", async () => matches(await answer(client("wait", "d1")), /^137$/m));
  await says("rm: a killed container", client("rm", "d1"));
  await run(engine.start("d2", image, "sleep", "100"));
  await says("stop: a container that does not heed SIGTERM", client("stop", "-t", "1", "d2"));
  await equals("stop: it was killed", () => inspect("{{.State.ExitCode}}", "d2"), "137");
  await run(engine.start("d4", image, "sleep", "100"));
  await says("rm: a running container", engine.remove("d4"));
  await run(engine.start("d5", "--restart", "on-failure:2", image, "sh", "-c", "exit 1"));
  await check("restart policy: twice, then no more", () =>
    eventually(async () => equal(await inspect("{{.RestartCount}} {{.State.Running}}", "d5"), "2 false")),
  );
  await says("rm: several", engine.remove("d2", "d5"));
}

async function exec({ client, inspect }: Engine): Promise<void> {
  await says("exec: output", client("exec", "d1", "echo", "from-exec"), { says: /^from-exec$/m });
  await says("exec: exit status", client("exec", "d1", "sh", "-c", "exit 9"), { status: 9 });
  await says(
    "exec: user, environment, working directory",
    client("exec", "-u", "user", "-e", "A=b", "-w", "/etc", "d1", "sh", "-c", "id; pwd; echo $A"),
    { says: [/uid=1000/, /^\/etc\nb$/m] },
  );
  await says("exec: input", client("exec", "-i", "d1", "cat"), { input: "exec-in\n", says: /^exec-in$/m });
  await saysAtTerminal(
    "exec -t: a terminal with its size",
    client("exec", "-it", "d1", "sh", "-c", "tty; sleep 1; stty size; exit 8"),
    {
      status: 8,
      says: [/\/dev\/pts\//, /37 101/],
    },
  );
  await says("exec -d", client("exec", "-d", "d1", "sh", "-c", "echo det >/home/det; sleep 7.5"));
  await check("exec -d: it ran", () => eventually(() => answer(client("exec", "d1", "test", "-s", "/home/det"))));
  await check("exec: in the container's cgroup", async () => {
    const first = readFileSync(`/proc/${await inspect("{{.State.Pid}}", "d1")}/cgroup`, "utf8");
    const others = processesOf("sleep").filter((pid) => commandLine(pid) === "sleep 7.5");
    equal(others.length, 1);
    equal(readFileSync(`/proc/${others[0]}/cgroup`, "utf8"), first);
  });
}

async function observed({ name, client }: Engine): Promise<void> {
  await says("top: its processes", client("top", "d1"), { says: /sh -c trap/ });
  const format = "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}";
  await says("stats: memory and CPU", client("stats", "--no-stream", "--format", format, "d1"), {
    says: /^d1 .*[0-9.]+%? [1-9][0-9.]*[kKM]i?B \//m,
    machine: name === "docker" ? unmountedHierarchy() : "",
  });
  await check("cp: a file out of it", async () => {
    matches(await answer(["sh", "-c", '"$@" | tar xO', "sh", ...client("cp", "d1:/etc/passwd", "-")]), /root:x:0/);
  });
}

async function paused({ client, inspect }: Engine): Promise<void> {
  await says("pause", client("pause", "d1"));
  await equals("pause: its state", () => inspect("{{.State.Status}}", "d1"), "paused");
  await check("pause: uses no CPU", async () => {
    const pid = await inspect("{{.State.Pid}}", "d1");
    const before = cpuTicks(pid);
    await Bun.sleep(500);
    equal(cpuTicks(pid), before);
  });
  await says("unpause", client("unpause", "d1"));
  await equals("unpause: its state", () => inspect("{{.State.Status}}", "d1"), "running");
}

async function updated({ client, inspect }: Engine): Promise<void> {
  const limits = ["-m", "128m", "--memory-swap", "256m", "--cpus", "0.5", "--cpu-shares", "512"];
  await says("update: limits", client("update", ...limits, "d1"));
  const pid = await inspect("{{.State.Pid}}", "d1");
  const memory = async () => cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max");
  await equals("update: memory", memory, "134217728");
  const quota = async () => cgroupFile(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0]!;
  await equals("update: CPU", quota, "50000");
}
