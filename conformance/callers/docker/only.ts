import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually, matches } from "../check.ts";
import { answer, equals, run, says } from "../command.ts";
import { noCheckpoint, noSysResource } from "../machine.ts";
import { cgroupFile, commandLine, namesIn, processesOf } from "../processes.ts";
import type { Docker } from "./dockerd.ts";

/** What Docker alone has, or has in other words than Podman. */
export async function dockerOnly(docker: Docker): Promise<void> {
  const { run: once, image, place } = docker;
  await says("run: an init process", once("--init", image, "ps"), { says: /1 root +.*\/sbin\/docker-init/ });
  await says("run: a runtime with arguments", once("--runtime", "debugged", image, "echo", "args"), {
    says: /^args$/m,
  });
  const file = join(place.scratch, "rootfs.tar");
  await says("run: a file mounted onto a directory", once("-v", `${file}:/etc`, image, "true"), {
    status: 125,
    says: /Are you trying to mount a directory onto a file/,
  });
  const blocked = "grep Seccomp: /proc/self/status; unshare -U true; true";
  await says("seccomp: a blocked call", once(image, "sh", "-c", blocked), { says: /not permitted/ });
  await execErrors(docker);
  await network(docker);
  await health(docker);
  await processLimit(docker);
  await shimKilled(docker);
  await checkpoint(docker);
}

async function execErrors({ client, start, remove, image }: Docker): Promise<void> {
  await answer(start("x1", image, "sleep", "100"));
  await says("exec: no such program", client("exec", "x1", "/nonexistent"), { status: 126, says: /no such file/ });
  await says("exec: not found in PATH", client("exec", "x1", "nonexistent"), {
    status: 126,
    says: /not found in \$PATH/,
  });
  await says("exec: not a program", client("exec", "x1", "/etc/passwd"), { status: 126, says: /permission denied/ });
  await says("exec: privileged", client("exec", "--privileged", "x1", "true"), { machine: noSysResource() });
  await answer(remove("x1"));
}

/** The bridge's address reaches the container by a hook that the runtime runs. */
async function network({ client, inspect, remove, image }: Docker): Promise<void> {
  const web = ["httpd", "-f", "-p", "80", "-h", "/etc"];
  await says("network: a container on the bridge", client("run", "-d", "--name", "w1", "-p", "8080:80", image, ...web));
  await check("network: its namespace is the one that Docker set up", async () => {
    const pid = await inspect("{{.State.Pid}}", "w1");
    const key = await inspect("{{.NetworkSettings.SandboxKey}}", "w1");
    equal(statSync(key).ino, statSync(`/proc/${pid}/ns/net`).ino);
  });
  const fetch = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/passwd"];
  await check("network: a published port answers", () =>
    eventually(async () => matches(await answer(fetch), /root:x:0/)),
  );
  const other = client("run", "--rm", "--link", "w1:web", image, "wget", "-q", "-O", "-", "http://web/passwd");
  await says("network: another container reaches it", other, { says: /root:x:0/ });
  await answer(remove("w1"));
}

async function health({ start, remove, inspect, image }: Docker): Promise<void> {
  const flags = ["--health-cmd", "test -e /home/well", "--health-interval", "300ms", "--health-retries", "1"];
  await answer(start("h1", ...flags, image, "sh", "-c", "touch /home/well; sleep 3; rm /home/well; sleep 100"));
  const status = () => inspect("{{.State.Health.Status}}", "h1");
  await check("health: healthy", () => eventually(async () => equal(await status(), "healthy")));
  await check("health: then unhealthy", () => eventually(async () => equal(await status(), "unhealthy")));
  await answer(remove("h1"));
}

async function processLimit({ client, start, remove, inspect, image }: Docker): Promise<void> {
  await answer(start("p1", image, "sleep", "100"));
  await says("update: processes", client("update", "--pids-limit", "77", "p1"));
  const limit = async () => cgroupFile(await inspect("{{.State.Pid}}", "p1"), "pids", "pids.max", "pids.max");
  await equals("update: processes are limited", limit, "77");
  await answer(remove("p1"));
}

/** What then happens is containerd's doing: a second shim calls `delete --force`. */
async function shimKilled({ start, remove, inspect, image, state }: Docker): Promise<void> {
  await answer(start("s1", image, "sleep", "100"));
  await check("rough: the shim killed", async () => {
    const [pid = "", id = ""] = (await inspect("{{.State.Pid}} {{.Id}}", "s1")).split(" ");
    const shim = processesOf("containerd-shim-runc-v2").find((each) => commandLine(each).includes(id));
    process.kill(shim!, "SIGKILL");
    await eventually(async () => equal(await inspect("{{.State.Running}}", "s1"), "false"));
    await eventually(() => equal(`${existsSync(`/proc/${pid}`)} ${namesIn(state)}`, "false "));
  });
  await answer(remove("s1"));
}

async function checkpoint({ client, start, remove, inspect, image }: Docker): Promise<void> {
  await answer(start("k1", image, "sleep", "100"));
  await check(
    "checkpoint: and start from it",
    async () => {
      await answer(client("checkpoint", "create", "k1", "one"));
      await eventually(async () => equal(await inspect("{{.State.Status}}", "k1"), "exited"));
      await answer(client("start", "--checkpoint", "one", "k1"));
      const pid = await inspect("{{.State.Pid}}", "k1");
      matches(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /sleep/);
    },
    noCheckpoint(),
  );
  await run(remove("k1"));
}
