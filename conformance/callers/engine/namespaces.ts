import { readlinkSync } from "node:fs";
import { answer, says } from "../command.ts";
import type { Engine } from "./engine.ts";

/** Namespaces of the host, of another container, and cgroup namespaces. */
export async function namespaces({ run: once, connected, start, remove, image, place }: Engine): Promise<void> {
  await answer(start("n1", "--ipc", "shareable", image, "sleep", "100"));
  const joined = ["--pid", "container:n1", "--network", "container:n1", "--ipc", "container:n1", image, "ps"];
  await says("namespaces: of another container", connected(...joined), { says: /1 root +.*sleep 100/ });
  await answer(remove("n1"));
  const own = ["pid", "net", "ipc", "uts"].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(" ");
  const host = ["--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host", image];
  const links = "cd /proc/self/ns; echo $(readlink pid) $(readlink net) $(readlink ipc) $(readlink uts)";
  await says("namespaces: the host's", connected(...host, "sh", "-c", links), { says: new RegExp(RegExp.escape(own)) });
  const shown = [image, "cat", "/proc/self/cgroup"];
  await says("namespaces: a cgroup namespace of its own", once("--cgroupns", "private", ...shown), { says: /:\/$/m });
  await says("namespaces: the host's cgroups", once("--cgroupns", "host", ...shown), {
    says: new RegExp(`/${place.cgroup}/`),
  });
}
