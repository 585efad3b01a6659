import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually, matches } from "../check.ts";
import { answer, run, says } from "../command.ts";
import { commandLine, processesOf } from "../processes.ts";
import type { Engine } from "./engine.ts";

/** Rough treatment: much at once, ends that nobody asked the runtime for, containers that are removed in an odd state. */
export async function rough(engine: Engine): Promise<void> {
  await much(engine);
  await ends(engine);
  await sharedProcesses(engine);
}

async function much({ run: once, client, start, remove, image, place }: Engine): Promise<void> {
  const environment = Array.from({ length: 100 }, (_, n) => ["-e", `V${n}=${"x".repeat(1000)}`]).flat();
  await says("rough: 100 KB of environment", once(...environment, image, "sh", "-c", "env | grep -c ^V"), {
    says: /^100$/m,
  });
  const volumes = Array.from({ length: 40 }, (_, n) => {
    const source = join(place.scratch, "many", String(n));
    mkdirSync(source, { recursive: true });
    return ["-v", `${source}:/many/${n}:ro`];
  }).flat();
  await says("rough: 40 volumes", once(...volumes, image, "sh", "-c", "grep -c ' /many/' /proc/self/mountinfo"), {
    says: /^40$/m,
  });
  await answer(start("g1", image, "sleep", "100"));
  await check("rough: ten execs at once", async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => run(client("exec", "g1", "sh", "-c", `exit ${n}`))),
    );
    equal(all.map((each) => each.status).join(" "), "0 1 2 3 4 5 6 7 8 9");
  });
  await check("rough: much output of an exec, all of it", async () => {
    equal((await run(client("exec", "g1", "seq", "1", "40000"))).stdout.length, 228_894);
  });
  await answer(remove("g1"));
}

async function ends({ client, start, remove, inspect, image }: Engine): Promise<void> {
  await answer(start("g2", image, "sleep", "100"));
  await check("rough: killed from the host", async () => {
    process.kill(Number(await inspect("{{.State.Pid}}", "g2")), "SIGKILL");
    await eventually(async () => equal(await inspect("{{.State.Status}} {{.State.ExitCode}}", "g2"), "exited 137"));
  });
  await says("rough: started again", client("start", "g2"));
  await says("rough: paused", client("pause", "g2"));
  await says("rough: removed while paused", remove("g2"));
  const execd = ["exec", "g3", "sleep", "100"];
  await answer(start("g3", image, "sleep", "100"));
  await check("rough: an exec ends with its container", async () => {
    const waiting = run(client(...execd));
    await eventually(() => equal(processesOf("sleep").length, 2));
    await answer(client("kill", "g3"));
    equal((await waiting).status, 137);
  });
  await answer(remove("g3"));
  const init = start("g4", image, "sh", "-c", "sleep 0.2; exit 6");
  await says("rough: ends while it is looked at", init);
  await check("rough: its exit status", () =>
    eventually(async () => equal(await inspect("{{.State.ExitCode}} {{.State.Running}}", "g4"), "6 false")),
  );
  await answer(remove("g4"));
}

/** Without a pid namespace of its own, the runtime has to find by its cgroup what the first process leaves. */
async function sharedProcesses({ client, start, remove, image }: Engine): Promise<void> {
  const left = () => processesOf("sleep").filter((pid) => commandLine(pid) === "sleep 1234");
  await answer(start("g5", "--pid", "host", image, "sh", "-c", "sleep 1234 & sleep 1234 & sleep 100"));
  await check("rough: the host's pid namespace", () => eventually(() => equal(left().length, 2)));
  await check("rough: its processes' cgroups are the container's", () => {
    const cgroups = left().map((pid) => readFileSync(`/proc/${pid}/cgroup`, "utf8"));
    equal(cgroups[0]!, cgroups[1]!);
    matches(cgroups[0]!, /callers-/);
  });
  await says("rough: stopped", client("stop", "-t", "1", "g5"));
  await check("rough: nothing of it is left", () => eventually(() => equal(left().join(" "), "")));
  await answer(remove("g5"));
}
