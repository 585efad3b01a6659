import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, type Expected, says as saysOnce } from "../command.ts";
import { type Daemon, startDaemon } from "../daemon.ts";
import { type Image, makeImage, makeLayoutArchive } from "../image.ts";
import type { Place } from "../place.ts";

/** containerd with an image, and the words that its client is called with. */
export interface Containerd {
  readonly place: Place;
  readonly image: string;
  readonly files: Image;
  /** Where the runtime keeps its state: `--runc-root` and the namespace. */
  readonly state: string;
  /** argv of a client's command. */
  readonly ctr: (...words: string[]) => string[];
  /** argv of `ctr run --rm` with the runtime; the words start with flags, then the image, id and command. */
  readonly run: (...words: string[]) => string[];
  /** Starts a container in the background. @throws when that fails. */
  readonly start: (id: string, ...command: string[]) => Promise<void>;
  /** Kills a container, waits for its end, and removes it. */
  readonly remove: (id: string) => Promise<void>;
  /** The pid and state of a task, as `ctr task ls` has them. */
  readonly task: (id: string) => Promise<{ pid: string; status: string }>;
  /** Stops the daemon and starts it again. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts containerd in directories of its own. The namespace is named like the cgroup: `ctr` puts containers in /NAMESPACE/ID. */
export async function startContainerd(place: Place): Promise<Containerd> {
  const socket = join(place.scratch, "containerd.sock");
  const root = join(place.scratch, "state");
  const image = "localhost/busybox:1";
  const ctr = (...words: string[]) => ["ctr", "-a", socket, "-n", place.cgroup, ...words];
  const runtime = ["--runc-binary", place.runtime, "--runc-root", root];
  const start = () => serve(place, socket, ctr("version"));
  let daemon = await start();
  const files = makeImage(place.scratch);
  await answer(ctr("image", "import", makeLayoutArchive(files, place.scratch, [image], ["sh"])));
  const task = async (id: string) => {
    const lines = (await answer(ctr("task", "ls"))).split("\n").map((line) => line.split(/\s+/));
    const [, pid = "", status = ""] = lines.find((words) => words[0] === id) ?? [];
    return { pid, status };
  };
  return {
    place,
    image,
    files,
    state: join(root, place.cgroup),
    ctr,
    run: (...words) => ctr("run", "--rm", ...runtime, ...words),
    start: async (id, ...command) => void (await answer(ctr("run", "-d", ...runtime, image, id, ...command))),
    remove: async (id) => {
      await answer(ctr("task", "kill", "-s", "SIGKILL", id)).catch(() => "ended already");
      for (let attempt = 0; attempt < 100 && (await task(id)).status === "RUNNING"; attempt++) await Bun.sleep(100);
      await answer(ctr("task", "rm", id)).catch(() => "its exit status is a failure to ctr");
      await answer(ctr("container", "rm", id));
    },
    task,
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    stop: () => daemon.stop(),
  };
}

function serve(place: Place, socket: string, ready: readonly string[]): Promise<Daemon> {
  const config = join(place.scratch, "containerd.toml");
  mkdirSync(join(place.scratch, "containerd"), { recursive: true });
  writeFileSync(
    config,
    `version = 2
root = "${place.scratch}/containerd/root"
state = "${place.scratch}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`,
  );
  return startDaemon(["containerd", "-c", config], ready, join(place.scratch, "containerd.log"));
}

/** `says` for a container that runs once: ctr 1.6 may miss all it wrote when it ends before ctr has opened its pipes. */
export function says(name: string, command: readonly string[], expected: Expected = {}): Promise<boolean> {
  return saysOnce(name, command, { ...expected, mayBeLost: expected.says !== undefined });
}
