import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, run } from "../command.ts";
import { startDaemon } from "../daemon.ts";
import { documented } from "../documented.ts";
import type { Engine } from "../engine/engine.ts";
import { type Image, makeImage } from "../image.ts";
import type { Place } from "../place.ts";

/** Docker with its daemon, and an image in it. */
export interface Docker extends Engine {
  /** Where the runtime keeps its state. */
  readonly state: string;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The daemon's directories are below this name, so that there can be one after the other. */
export interface DaemonOptions {
  readonly name: string;
  readonly flags?: readonly string[];
  /** Keys of daemon.json. */
  readonly settings?: Record<string, unknown>;
}

/**
 * Starts dockerd, with a bridge and firewall rules as it makes them by itself: the network namespace is ours. "runc" on its PATH is
 * the runtime, too: BuildKit takes that name. Images and containers lie on overlayfs where it can be.
 */
export async function startDocker(place: Place, options: DaemonOptions, made?: Image): Promise<Docker> {
  const directory = join(place.scratch, options.name);
  const socket = join(directory, "docker.sock");
  mkdirSync(join(directory, "bin"), { recursive: true });
  symlinkSync(place.runtime, join(directory, "bin/runc"));
  writeSettings(directory, place, options.settings ?? {});
  const binary = (await Bun.file("/usr/bin/docker").exists()) ? "/usr/bin/docker" : "docker";
  const client = (...words: string[]) => [binary, "-H", `unix://${socket}`, ...words];
  const command = [
    ...["dockerd", "--config-file", join(directory, "daemon.json"), "--data-root", join(directory, "data")],
    ...["--exec-root", join(directory, "exec"), "--pidfile", join(directory, "dockerd.pid"), "-H", `unix://${socket}`],
    ...["--exec-opt", "native.cgroupdriver=cgroupfs", `--cgroup-parent=/${place.cgroup}/docker`],
    ...(options.flags ?? []),
  ];
  const env = { ...process.env, PATH: `${directory}/bin:${process.env.PATH}` };
  const start = () => startDaemon(command, client("version"), join(directory, "dockerd.log"), env);
  let daemon = await start();
  const files = made ?? makeImage(place.scratch);
  const image = "busybox:1";
  const settings = ["-c", "ENV PATH=/usr/bin:/bin:/sbin IMGENV=1", "-c", 'CMD ["sh"]'];
  await answer(client("import", ...settings, files.tar, image));
  return {
    ...{ name: "docker", place, files, image, client, state: join(directory, "exec/runtime-runc/moby") },
    run: (...words) => client("run", "--rm", "--network", "none", ...words),
    connected: (...words) => client("run", "--rm", ...words),
    start: (name, ...words) => client("run", "-d", "--network", "none", "--name", name, ...words),
    create: (name, ...words) => client("create", "--network", "none", "--name", name, ...words),
    remove: (...names) => client("rm", "-f", ...names),
    inspect: async (template, name) => (await run(client("inspect", "-f", template, name))).output.trim(),
    capabilities: { usual: "a80425fb", withSysAdmin: "a82425fb" },
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    stop: () => daemon.stop(),
  };
}

/** The README's daemon.json, and what only these checks want. */
function writeSettings(directory: string, place: Place, settings: Record<string, unknown>): void {
  const { runtimes, ...rest } = JSON.parse(documented("docker", place.runtime));
  const debugged = { path: place.runtime, runtimeArgs: ["--debug"] };
  const all = { runtimes: { ...runtimes, debugged }, ...rest, experimental: true, ...settings };
  writeFileSync(join(directory, "daemon.json"), JSON.stringify(all));
}
