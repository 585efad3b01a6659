import { chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually } from "../check.ts";
import { answer, run, says, saysAtTerminal } from "../command.ts";
import { onlyVersion2Delegates } from "../machine.ts";
import type { Place } from "../place.ts";
import { processesOf } from "../processes.ts";
import { type Podman, preparePodman } from "./podman.ts";

const uid = 54321;

/** Podman of an ordinary user, who has a range of ids and nothing else. */
export async function rootlessPodman({ place, files }: Podman): Promise<void> {
  await addUser(place);
  const home = join(place.scratch, "home");
  const identity = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all"];
  const environment = [`HOME=${home}`, `XDG_RUNTIME_DIR=/run/user/${uid}`, `TMPDIR=${home}`, "USER=caller"];
  const as = [...identity, "env", "-C", home, "-i", `PATH=${process.env.PATH}`, ...environment];
  const podman = await preparePodman(place, { name: "rootless", as, unplaced: true }, files);
  const { run: once, image, client } = podman;
  await says("rootless: output", once(image, "echo", "hello"), { says: /^hello$/m });
  await says("rootless: exit status", once(image, "sh", "-c", "exit 7"), { status: 7 });
  await says("rootless: root of its own ids", once(image, "sh", "-c", "id; cat /proc/self/uid_map"), {
    says: [/uid=0/, new RegExp(`^ +0 +${uid} +1$`, "m"), /^ +1 +600000 +65536$/m],
  });
  await says("rootless: keeps the user's id", once("--userns=keep-id", image, "id"), {
    says: new RegExp(`uid=${uid}`),
  });
  await saysAtTerminal("rootless: a terminal", once("-it", image, "sh", "-c", "tty; sleep 1; exit 5"), {
    status: 5,
    says: /\/dev\/pts\/0/,
  });
  await says("rootless: no such program", once(image, "/nonexistent"), { status: 127, says: /no such file/i });
  await says("rootless: memory", once("-m", "64m", image, "true"), { machine: onlyVersion2Delegates() });
  await says("rootless: -d", podman.start("r1", image, "sh", "-c", 'trap "exit 3" TERM; while :; do sleep 0.1; done'));
  await says("rootless: exec", client("exec", "r1", "sh", "-c", "id -u; exit 9"), { status: 9, says: /^0$/m });
  await saysAtTerminal("rootless: exec at a terminal", client("exec", "-it", "r1", "sh", "-c", "tty; exit 4"), {
    status: 4,
    says: /\/dev\/pts\//,
  });
  await says("rootless: top", client("top", "r1"), { says: /trap/ });
  await says("rootless: stop", client("stop", "-t", "10", "r1"));
  await check("rootless: its exit status", async () => equal(await podman.inspect("{{.State.ExitCode}}", "r1"), "3"));
  await says("rootless: rm", client("rm", "r1"));
  await check("left behind: no conmon of the user's", () =>
    eventually(() => equal(processesOf("conmon").join(" "), "")),
  );
  await run(client("system", "migrate"));
}

/** In files that stand in for the machine's, here only. The range of ids was given before (`--userns=auto`). */
async function addUser(place: Place): Promise<void> {
  const line = `caller:x:${uid}:`;
  for (const [file, entry] of [
    ["passwd", `${line}${uid}::${place.scratch}/home:/bin/sh\n`],
    ["group", `${line}\n`],
  ] as const) {
    const own = join(place.scratch, file);
    copyFileSync(`/etc/${file}`, own);
    writeFileSync(own, readFileSync(own, "utf8") + entry);
    await answer(["mount", "--bind", own, `/etc/${file}`]);
  }
  mkdirSync("/run/user");
  for (const directory of [join(place.scratch, "home"), `/run/user/${uid}`]) {
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, uid, uid);
  }
}
