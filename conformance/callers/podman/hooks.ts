import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, eventually } from "../check.ts";
import { says } from "../command.ts";
import type { Podman } from "./podman.ts";

const onHost = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];

/** Hooks of every stage, by a directory of hooks (oci-hooks(5)); each one saves the state that it is told. */
export async function podmanHooks({ client, placement, image, place }: Podman): Promise<void> {
  const hooks = join(place.scratch, "hooks");
  const saved = join(place.scratch, "hooks-said");
  for (const directory of [hooks, saved]) mkdirSync(directory);
  const script = join(place.scratch, "hook.sh");
  writeFileSync(script, `#!/bin/sh\ncat >"${saved}/$1"\n`);
  chmodSync(script, 0o755);
  const write = (stage: string, path: string, args: string[]) => {
    const hook = { version: "1.0.0", hook: { path, args, timeout: 10 }, when: { always: true }, stages: [stage] };
    writeFileSync(join(hooks, `${stage}.json`), JSON.stringify(hook));
  };
  for (const stage of onHost) write(stage, script, ["hook", stage]);
  // Podman wants the path to exist on the host; the runtime looks it up inside the container.
  write("startContainer", "/bin/sh", ["sh", "-c", "cat >/home/startContainer"]);
  const command = ["--hooks-dir", hooks, "run", "--rm", "--network", "none", ...placement, image];
  await says("hooks: inside the container", client(...command, "sh", "-c", "sleep 0.3; cat /home/startContainer"), {
    says: /"id"/,
  });
  await check("hooks: of every stage ran", () =>
    eventually(() => equal(readdirSync(saved).sort().join(" "), [...onHost].sort().join(" "))),
  );
  const status = (stage: string) => JSON.parse(readFileSync(join(saved, stage), "utf8")).status;
  await check("hooks: what they are told", () =>
    equal(["createRuntime", "poststop"].map(status).join(" "), "creating stopped"),
  );
}
