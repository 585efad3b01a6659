import { join } from "node:path";
import { check, equal, eventually } from "../check.ts";
import { answer, says } from "../command.ts";
import { filesystems } from "../engine/filesystems.ts";
import { limits } from "../engine/limits.ts";
import { namespaces } from "../engine/namespaces.ts";
import { oneShot } from "../engine/one-shot.ts";
import { privileges } from "../engine/privileges.ts";
import { rough } from "../engine/rough.ts";
import { running, stopping } from "../engine/running.ts";
import type { Place } from "../place.ts";
import { cgroupsLeft, mountsBelow, namesIn, processesOf } from "../processes.ts";
import { podmanBuilds } from "./builds.ts";
import { podmanHooks } from "./hooks.ts";
import { podmanOnly } from "./only.ts";
import { type Podman, preparePodman } from "./podman.ts";
import { podmanPods } from "./pods.ts";
import { rootlessPodman } from "./rootless.ts";
import { podmanSystemd } from "./systemd.ts";

/** Everything that is asked of a runtime through Podman, and what has to be gone afterwards. */
export async function podmanChecks(place: Place): Promise<void> {
  const podman = await preparePodman(place, { name: "podman" });
  const version = "{{.Host.OCIRuntime.Path}} {{.Host.OCIRuntime.Version}}";
  await says("info: knows the runtime and its version", podman.client("info", "-f", version), {
    says: new RegExp(`^${RegExp.escape(place.runtime)} .*\\d+\\.\\d+`),
  });
  await oneShot(podman);
  await running(podman);
  await stopping(podman);
  await rough(podman);
  await namespaces(podman);
  await limits(podman);
  await filesystems(podman);
  await privileges(podman);
  await podmanOnly(podman);
  await podmanHooks(podman);
  await podmanPods(podman);
  await podmanSystemd(podman);
  await podmanBuilds(podman);
  await nothingLeft(podman);
  await rootlessPodman(podman);
}

async function nothingLeft({ place, client }: Podman): Promise<void> {
  await check("left behind: no container", async () => equal(await answer(client("ps", "-aq")), ""));
  // Podman has the runtime keep its state where it does by default.
  await check("left behind: nothing in the runtime's state directory", () =>
    eventually(() => equal(namesIn("/run/runc") + namesIn("/run/runts"), "")),
  );
  await check("left behind: no conmon", () => eventually(() => equal(processesOf("conmon").join(" "), "")));
  // A pod's own cgroup is Podman's to remove, and it forgets the hierarchies without a controller.
  const podmans = /^\/(harness|build|podman|podman\/conmon|podman\/[0-9a-f]{64})$/;
  await check("left behind: no cgroup", () => eventually(() => equal(cgroupsLeft(place.cgroup, podmans), "")));
  const merged = () => mountsBelow(join(place.scratch, "podman/root")).filter((point) => point.endsWith("/merged"));
  await check("left behind: no root filesystem", () => eventually(() => equal(merged().join(" "), "")));
}
