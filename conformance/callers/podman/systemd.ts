import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { check, eventually } from "../check.ts";
import { answer, equals, run, says } from "../command.ts";
import type { Podman } from "./podman.ts";

const systemd = "/lib/systemd/systemd";

/** systemd as a container's first process, from this machine's own files, with a layer of their own above them. */
export async function podmanSystemd({ client, placement, inspect, remove, place }: Podman): Promise<void> {
  const machine = existsSync(systemd) ? "" : "there is no systemd to run";
  const layer = (name: string) => join(place.scratch, "systemd", name);
  for (const name of ["upper", "work", "merged"]) mkdirSync(layer(name), { recursive: true });
  const options = `lowerdir=/,upperdir=${layer("upper")},workdir=${layer("work")}`;
  await answer(["mount", "-t", "overlay", "overlay", "-o", options, layer("merged")]);
  const mounts = ["--tmpfs", "/tmp:notmpcopyup", "--tmpfs", "/run:notmpcopyup,rw"];
  const flags = ["-d", "--name", "systemd", "--network", "none", ...placement, "--systemd=always", ...mounts];
  const command = [...flags, "--rootfs", layer("merged"), systemd, "--unit=sysinit.target"];
  await says("systemd: as the first process", client("run", ...command), { machine });
  const active = client("exec", "systemd", "systemctl", "is-active", "sysinit.target");
  await check("systemd: reaches its target", () => eventually(() => answer(active)), machine);
  await says("systemd: makes cgroups below the container's", client("exec", "systemd", "cat", "/proc/1/cgroup"), {
    says: /^(0:|\d+:name=systemd):.*\/init\.scope$/m,
    machine,
  });
  // Podman sends SIGRTMIN+3.
  await says("systemd: stop", client("stop", "-t", "20", "systemd"), { machine });
  await equals("systemd: its exit status", () => inspect("{{.State.ExitCode}}", "systemd"), "0", machine);
  await run(remove("systemd"));
  await answer(["umount", layer("merged")]);
}
