import { check, equal, eventually } from "../check.ts";
import type { Place } from "../place.ts";
import { cgroupsLeft, mountsBelow, namesIn, processesOf } from "../processes.ts";
import { startContainerd } from "./containerd.ts";
import { ctrFilesystems } from "./filesystems.ts";
import { ctrOneShot } from "./one-shot.ts";
import { ctrPrivileges } from "./privileges.ts";
import { ctrTasks } from "./tasks.ts";

/** Everything that is asked of a runtime through containerd's own client, and what has to be gone afterwards. */
export async function ctrChecks(place: Place): Promise<void> {
  const containerd = await startContainerd(place);
  await ctrOneShot(containerd);
  await ctrTasks(containerd);
  await ctrFilesystems(containerd);
  await ctrPrivileges(containerd);
  await check("left behind: nothing in the runtime's state directory", () =>
    eventually(() => equal(namesIn(containerd.state), "")),
  );
  await check("left behind: no cgroup", () => equal(cgroupsLeft(place.cgroup, /^\/harness$/), ""));
  await check("left behind: no mount", () => equal(mountsBelow(`${place.scratch}/containerd/state`).join(" "), ""));
  await check("left behind: no shim", () =>
    eventually(() => equal(processesOf("containerd-shim-runc-v2").join(" "), "")),
  );
  await containerd.stop();
}
