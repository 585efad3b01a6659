import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, matches } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import { noCheckpoint } from "../machine.ts";
import type { Podman } from "./podman.ts";

/** What Podman alone has, or has in other words than Docker. */
export async function podmanOnly(podman: Podman): Promise<void> {
  await descriptors(podman);
  await variants(podman);
  await states(podman);
  await execs(podman);
  await userNamespaces(podman);
  await network(podman);
  await checkpoint(podman);
}

/** Which open files reach the container: those that are asked for, and no others. */
async function descriptors({ run: once, image, place }: Podman): Promise<void> {
  for (const name of ["three", "four"]) writeFileSync(join(place.scratch, name), `${name}\n`);
  const opened = ["sh", "-c", '"$@" 3<three 4<four', "sh"];
  const read = "echo $(cat <&3) $(cat <&4)";
  await says("descriptors: --preserve-fds", [...opened, ...once("--preserve-fds", "2", image, "sh", "-c", read)], {
    says: /^three four$/m,
  });
  const listed = once(image, "sh", "-c", "echo $(ls /proc/self/fd | sort -n)");
  // The one more is ls's own.
  await says("descriptors: no others", [...opened, ...listed], { says: /^0 1 2 3$/m });
  await says(
    "descriptors: output passed through",
    once("--log-driver", "passthrough", image, "sh", "-c", "echo through; exit 3"),
    {
      status: 3,
      says: /^through$/m,
    },
  );
  await says("descriptors: no log", once("--log-driver", "none", image, "echo", "nolog"), { says: /^nolog$/m });
}

async function variants({ run: once, client, placement, image, files }: Podman): Promise<void> {
  await says("run: an init process", once("--init", "--init-path", "/usr/bin/tini-static", image, "ps"), {
    says: /1 root +\/.*podman-init/,
  });
  const directory = once("--rootfs", files.rootfs, "/bin/echo", "from a directory");
  await says("run: a directory as root filesystem", directory, { says: /^from a directory$/m });
  const debug = client(
    "--runtime-flag",
    "debug",
    "run",
    "--rm",
    "--network",
    "none",
    ...placement,
    image,
    "echo",
    "flag",
  );
  await says("run: a flag for the runtime", debug, { says: /^flag$/m });
  await says("run: a time limit", once("--timeout", "1", image, "sleep", "100"), { status: 255 });
  await says("run: ready for systemd", once("--systemd=always", image, "cat", "/proc/self/mountinfo"), {
    says: [/ \/run .*tmpfs/, / \/sys\/fs\/cgroup/],
  });
  const options = "noexec,nosuid,nodev";
  const mount = once("-v", `${files.rootfs}:/vol:${options}`, image, "grep", " /vol ", "/proc/self/mountinfo");
  await says("mounts: options of a bind mount", mount, { says: /nosuid,nodev,noexec/ });
  const ambient = once("-u", "1000", "--cap-add", "NET_BIND_SERVICE", image, "grep", "Cap", "/proc/self/status");
  await says("privileges: one added for a user", ambient, { says: [/CapEff:\s*0*400$/m, /CapAmb:\s*0*400$/m] });
}

async function states({ create, start, remove, client, inspect, image }: Podman): Promise<void> {
  await answer(create("i1", image, "sleep", "100"));
  await says("init: created, not started", client("container", "init", "i1"));
  await check("init: its state", async () =>
    matches(await inspect("{{.State.Status}}", "i1"), /^(created|initialized)$/),
  );
  await answer(client("start", "i1"));
  await equals("init: then started", () => inspect("{{.State.Status}}", "i1"), "running");
  await check("inspect: the pid file", async () => {
    equal(readFileSync(await inspect("{{.PidFile}}", "i1"), "utf8"), await inspect("{{.State.Pid}}", "i1"));
  });
  await answer(remove("i1"));
  await answer(start("h1", "--health-cmd", "test -d /home", "--health-interval", "disable", image, "sleep", "100"));
  await says("health: a check by hand", client("healthcheck", "run", "h1"));
  await answer(remove("h1"));
}

async function execs({ start, remove, client, image }: Podman): Promise<void> {
  await answer(start("x1", image, "sleep", "100"));
  await says("exec: no such program", client("exec", "x1", "/nonexistent"), { status: 127, says: /no such file/i });
  await says("exec: not found in PATH", client("exec", "x1", "nonexistent"), { status: 127, says: /not found/ });
  await says("exec: not a program", client("exec", "x1", "/etc/passwd"), { status: 126, says: /permission denied/i });
  const given = [
    "sh",
    "-c",
    '"$@" 3<three',
    "sh",
    ...client("exec", "--preserve-fds", "1", "x1", "sh", "-c", "cat <&3"),
  ];
  await says("exec: --preserve-fds", given, { says: /^three$/m });
  await says("exec: privileged", client("exec", "--privileged", "x1", "true"));
  await answer(remove("x1"));
}

async function userNamespaces({ run: once, image, place }: Podman): Promise<void> {
  const inside = "id; cat /proc/self/uid_map; touch /rootok && echo ok";
  const mapped = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"];
  await says("user namespace: mapped root", once(...mapped, image, "sh", "-c", inside), {
    says: [/uid=0/, /^ +0 +100000 +65536$/m, /^ok$/m],
  });
  await saysAtTerminal(
    "user namespace: a terminal",
    once("-it", ...mapped, image, "sh", "-c", "tty; sleep 1; exit 5"),
    {
      status: 5,
      says: /\/dev\/pts\/0/,
    },
  );
  const ranges = join(place.scratch, "automatic");
  writeFileSync(ranges, "containers:300000:262144\ncaller:600000:65536\n");
  for (const file of ["/etc/subuid", "/etc/subgid"]) await answer(["mount", "--bind", ranges, file]);
  await says("user namespace: ids that Podman chooses", once("--userns=auto", image, "sh", "-c", inside), {
    says: [/^ +0 +3\d{5} +\d+$/m, /^ok$/m],
  });
}

async function network({ connected, client, placement, remove, image }: Podman): Promise<void> {
  const web = [image, "httpd", "-f", "-p", "80", "-h", "/etc"];
  await says(
    "network: a container on the bridge",
    client("run", "-d", ...placement, "--name", "w1", "-p", "8080:80", ...web),
  );
  const address = await answer(client("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "w1")).catch(() => "none");
  const fetch = connected(image, "wget", "-q", "-O", "-", `http://${address}/passwd`);
  await says("network: another container reaches it", fetch, { says: /root:x:0/ });
  const published = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/passwd"];
  await says("network: a published port answers", published, { says: /root:x:0/ });
  await run(remove("w1"));
}

async function checkpoint({ start, remove, client, inspect, image }: Podman): Promise<void> {
  await answer(start("k1", image, "sleep", "100"));
  await check(
    "checkpoint: and restore",
    async () => {
      await answer(client("container", "checkpoint", "k1"));
      equal(await inspect("{{.State.Status}}", "k1"), "exited");
      await answer(client("container", "restore", "k1"));
      equal(await inspect("{{.State.Status}}", "k1"), "running");
    },
    noCheckpoint(),
  );
  await run(remove("k1"));
}
