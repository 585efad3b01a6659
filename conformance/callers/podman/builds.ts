import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { says } from "../command.ts";
import type { Podman } from "./podman.ts";

/** Builds: buildah, inside of Podman, calls create, start, state and delete itself. */
export async function podmanBuilds({ client, run: once, image, place }: Podman): Promise<void> {
  const context = join(place.scratch, "context");
  mkdirSync(context);
  const write = (...steps: string[]) =>
    writeFileSync(join(context, "Dockerfile"), [`FROM ${image}`, ...steps, ""].join("\n"));
  // The parent is the whole path here, so it has to be one that holds no other cgroup.
  const flags = ["--no-cache", "--network", "none", `--cgroup-parent=/${place.cgroup}/build`];
  flags.push("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096");
  write("RUN echo built >/built && id", "RUN cat /built");
  await says("build: two steps", client("build", ...flags, "-t", "localhost/built:1", context), {
    says: [/uid=0/, /^built$/m],
  });
  await says("build: its image", once("localhost/built:1", "cat", "/built"), { says: /^built$/m });
  write("RUN exit 5");
  await says("build: a step that fails", client("build", ...flags, context), { status: 5, says: /exit status 5/ });
}
