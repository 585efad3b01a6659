import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupMounts, makeCgroups, removeCgroups } from "../machine/cgroup-hierarchies.ts";
import type { CheckResult } from "./check.ts";
import type { Place } from "./place.ts";

/** All checks of one caller take two minutes; a load takes one. */
const limitMs = 900_000;

/**
 * Lets one caller use one runtime, apart from everything else on the machine: in mount, network and pid namespaces of its own, where
 * what an engine makes (mounts, bridges, firewall rules, daemons and their children) ends with the first process, and in a cgroup of
 * its own, which is removed. The namespaces die with this process, too.
 *
 * @param each is called with every result as it comes.
 */
export async function runApart(
  what: Pick<Place, "caller" | "runtime" | "crictl" | "load">,
  keep: boolean,
  each: (result: CheckResult) => void,
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "callers-"));
  // Mapped root and ordinary users have to get through.
  chmodSync(scratch, 0o711);
  const cgroup = scratch.slice(scratch.lastIndexOf("/") + 1);
  // Podman has this one where no other is asked for: `play kube` cannot ask.
  const podmans = cgroupMounts().some((mount) => existsSync(join(mount, "libpod_parent")));
  try {
    makeCgroups(cgroup);
    const harness = makeCgroups(`${cgroup}/harness`);
    mkdirSync(join(scratch, "tmp"), { mode: 0o1777 });
    chmodSync(join(scratch, "tmp"), 0o1777);
    const place: Place = { ...what, scratch, cgroup };
    await inNamespaces(place, harness, each);
  } finally {
    await removeCgroups(cgroup);
    if (!podmans) await removeCgroups("libpod_parent");
    if (keep) console.error(`kept ${scratch}`);
    else rmSync(scratch, { recursive: true });
  }
}

async function inNamespaces(place: Place, cgroups: readonly string[], each: (result: CheckResult) => void) {
  const enter = cgroups.map((directory) => `echo $$ > ${directory}/cgroup.procs`).join(" && ");
  const unshare = ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child"];
  const inside = ["--mount-proc", "tini", "--", process.execPath, join(import.meta.dir, "inside.ts")];
  const command = ["setpriv", "--pdeathsig", "KILL", ...unshare, ...inside, JSON.stringify(place)];
  const errors = join(place.scratch, "harness.log");
  const child = Bun.spawn(["/bin/sh", "-c", `${enter} && exec "$@"`, "sh", ...command], {
    stdio: ["ignore", "pipe", Bun.file(errors)],
    env: {
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      HOME: "/root",
      TERM: "dumb",
      TMPDIR: join(place.scratch, "tmp"),
    },
    detached: true,
  });
  const alarm = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const stop = () => child.kill("SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  try {
    for await (const line of linesOf(child.stdout)) each(JSON.parse(line));
    if ((await child.exited) !== 0) {
      throw new Error(
        `${place.caller} under ${place.runtime} did not end well: ${readFileSync(errors, "utf8").slice(-3000)}`,
      );
    }
  } finally {
    clearTimeout(alarm);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
