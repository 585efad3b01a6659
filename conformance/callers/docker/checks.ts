import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import { filesystems } from "../engine/filesystems.ts";
import { limits } from "../engine/limits.ts";
import { namespaces } from "../engine/namespaces.ts";
import { oneShot } from "../engine/one-shot.ts";
import { privileges } from "../engine/privileges.ts";
import { rough } from "../engine/rough.ts";
import { running, stopping } from "../engine/running.ts";
import type { Place } from "../place.ts";
import { cgroupsLeft, mountsBelow, namesIn, processesOf } from "../processes.ts";
import { dockerBuilds } from "./builds.ts";
import { type Docker, startDocker } from "./dockerd.ts";
import { dockerOnly } from "./only.ts";

/** Everything that is asked of a runtime through Docker, and what has to be gone afterwards. */
export async function dockerChecks(place: Place): Promise<void> {
  const docker = await startDocker(place, { name: "docker", settings: { "live-restore": true } });
  await says("daemon: knows the runtime", docker.client("info"), {
    says: [/Default Runtime: runts/, /Runtimes:.* runts( |$)/m],
  });
  await says("daemon: reads the version", docker.client("version"), { says: /runts:\n +Version: +\S/ });
  await oneShot(docker);
  await running(docker);
  await liveRestore(docker);
  await stopping(docker);
  await rough(docker);
  await namespaces(docker);
  await limits(docker);
  await filesystems(docker);
  await privileges(docker);
  await dockerOnly(docker);
  await dockerBuilds(docker);
  await nothingLeft(docker);
  await docker.stop();
  await userNamespaces(docker);
}

/** The container of `running` lives on while dockerd and its containerd are not there. */
async function liveRestore({ restart, inspect, client }: Docker): Promise<void> {
  const running = () => inspect("{{.State.Running}} {{.State.Pid}}", "d1");
  const before = await running();
  await restart();
  await equals("daemon: a container outlives its restart", running, before);
  await says("exec: after the daemon's restart", client("exec", "d1", "echo", "again"), { says: /^again$/m });
}

async function nothingLeft({ state, place, client }: Docker): Promise<void> {
  await check("left behind: no container", async () => equal(await answer(client("ps", "-aq")), ""));
  await check("left behind: nothing in the runtime's state directory", () =>
    eventually(() => equal(namesIn(state), "")),
  );
  const engines = /^\/(harness|docker|docker\/buildkit)$/;
  await check("left behind: no cgroup", () => eventually(() => equal(cgroupsLeft(place.cgroup, engines), "")));
  const merged = () => mountsBelow(join(place.scratch, "docker/data")).filter((point) => point.endsWith("/merged"));
  await check("left behind: no root filesystem", () => eventually(() => equal(merged().join(" "), "")));
  await check("left behind: no shim", () =>
    eventually(() => equal(processesOf("containerd-shim-runc-v2").join(" "), "")),
  );
}

/** User namespaces are a daemon's setting: a second one, with ranges of its own. */
async function userNamespaces({ place, files }: Docker): Promise<void> {
  const ranges = join(place.scratch, "ranges");
  writeFileSync(ranges, "nobody:100000:65536\nnogroup:100000:65536\n");
  for (const file of ["/etc/subuid", "/etc/subgid"]) {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) writeFileSync(file, "");
    await answer(["mount", "--bind", ranges, file]);
  }
  mkdirSync(join(place.scratch, "remapped"), { mode: 0o711 });
  const remapped = await startDocker(place, { name: "remapped", flags: ["--userns-remap=nobody:nogroup"] }, files);
  const { run: once, client, image } = remapped;
  const inside = "id; cat /proc/self/uid_map; touch /rootok && echo ok";
  await says("user namespace: mapped root", once(image, "sh", "-c", inside), {
    says: [/uid=0/, /^ +0 +100000 +65536$/m, /^ok$/m],
  });
  await saysAtTerminal("user namespace: a terminal", once("-it", image, "sh", "-c", "tty; exit 5"), {
    status: 5,
    says: /\/dev\/pts\/0/,
  });
  await answer(remapped.start("u1", image, "sleep", "100"));
  await says("user namespace: exec", client("exec", "u1", "cat", "/proc/self/uid_map"), { says: / 0 +100000 / });
  await run(remapped.remove("u1"));
  const host = once("--userns", "host", image, "cat", "/proc/self/uid_map");
  await says("user namespace: the host's", host, { says: / 0 +0 / });
  await remapped.stop();
}
