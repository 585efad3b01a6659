import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, run } from "../command.ts";
import { documented } from "../documented.ts";
import type { Engine } from "../engine/engine.ts";
import { type Image, makeImage } from "../image.ts";
import { noSysResource } from "../machine.ts";
import type { Place } from "../place.ts";

/** Podman with stores of its own, and an image in them. */
export interface Podman extends Engine {
  /** Flags that put a container below the session's cgroup. */
  readonly placement: readonly string[];
}

/** Whose Podman: root's, or an ordinary user's. */
export interface PodmanOptions {
  /** A directory in the scratch directory. */
  readonly name: string;
  /** Words before every command, which make it another user's. */
  readonly as?: readonly string[];
  /** Without it, containers go below the session's cgroup. */
  readonly unplaced?: boolean;
}

/** Sets a Podman up; it has no daemon. */
export async function preparePodman(place: Place, options: PodmanOptions, made?: Image): Promise<Podman> {
  const directory = join(place.scratch, options.name);
  mkdirSync(directory, { recursive: true });
  if (options.as !== undefined) chmodSync(directory, 0o777);
  const configuration = join(directory, "containers.conf");
  writeFileSync(configuration, containersConf(place));
  const stores = ["root", "runroot", "tmpdir", "volumepath", "network-config-dir"];
  const flags = stores.map((store) => `--${store}=${directory}/${store}`);
  flags.push("--storage-driver=overlay", "--log-level=error");
  const environment = ["env", `CONTAINERS_CONF=${configuration}`];
  const client = (...words: string[]) => [...(options.as ?? []), ...environment, "podman", ...flags, ...words];
  const files = made ?? makeImage(place.scratch);
  const image = "localhost/busybox:1";
  const settings = ["-c", "ENV PATH=/usr/bin:/bin:/sbin", "-c", "ENV IMGENV=1", "-c", 'CMD ["sh"]'];
  await answer(client("import", ...settings, files.tar, image));
  const placement = options.unplaced ? [] : [`--cgroup-parent=/${place.cgroup}/podman`];
  return {
    ...{ name: "podman", place, files, image, client, placement },
    run: (...words) => client("run", "--rm", "--network", "none", ...placement, ...words),
    connected: (...words) => client("run", "--rm", ...placement, ...words),
    start: (name, ...words) => client("run", "-d", "--network", "none", ...placement, "--name", name, ...words),
    create: (name, ...words) => client("create", "--network", "none", ...placement, "--name", name, ...words),
    remove: (...names) => client("rm", "-f", "-t", "0", ...names),
    inspect: async (template, name) => (await run(client("inspect", "-f", template, name))).output.trim(),
    capabilities: { usual: "800405fb", withSysAdmin: "802405fb" },
  };
}

/** The README's containers.conf, and what only these checks want. */
function containersConf(place: Place): string {
  // Podman asks for more open files and processes than root may without CAP_SYS_RESOURCE.
  const ulimits = noSysResource() === "" ? "" : 'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]';
  const capabilities =
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(" ");
  const engine = '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n';
  return `[containers]
${ulimits}
log_driver = "k8s-file"
default_capabilities = ${JSON.stringify(capabilities)}
${documented("podman", place.runtime).replace("[engine]\n", engine)}`;
}
