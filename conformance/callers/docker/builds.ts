import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { says } from "../command.ts";
import type { Docker } from "./dockerd.ts";

/** The classic builder runs containers; BuildKit calls `runc run` itself, in the foreground. */
export async function dockerBuilds({ client, run: once, image, place }: Docker): Promise<void> {
  const context = join(place.scratch, "context");
  mkdirSync(context);
  const write = (...steps: string[]) =>
    writeFileSync(join(context, "Dockerfile"), [`FROM ${image}`, ...steps, ""].join("\n"));
  const build = (...words: string[]) => client("build", "--no-cache", "--network", "none", ...words, context);
  const classic = { env: { ...process.env, DOCKER_BUILDKIT: "0" } };
  const buildKit = { env: { ...process.env, DOCKER_BUILDKIT: "1" } };
  write("RUN echo built >/built && id", "RUN cat /built");
  await says("build: two steps", build("-t", "classic:1"), { ...classic, says: [/Successfully built/, /^built$/m] });
  await says("build: two steps by BuildKit", build("--progress", "plain", "-t", "kit:1"), {
    ...buildKit,
    says: /built/,
  });
  await says("build: BuildKit's image", once("kit:1", "cat", "/built"), { says: /^built$/m });
  write("RUN exit 5");
  await says("build: a step that fails", build("--force-rm"), {
    ...classic,
    status: 5,
    says: /returned a non-zero code: 5/,
  });
  await says("build: a step of BuildKit that fails", build("--progress", "plain"), {
    ...buildKit,
    status: 1,
    says: /exit code: 5/,
  });
}
