import { check, equal, eventually } from "../check.ts";
import { run } from "../command.ts";
import type { Place } from "../place.ts";
import { cgroupsLeft, cpuSeconds, namesIn, processesOf } from "../processes.ts";
import { startDocker } from "./dockerd.ts";

const atOnce = 4;

/** A little work: files, a pipeline of processes, some arithmetic. */
const work =
  "i=0; while [ $i -lt 20 ]; do echo $i >/tmp/$i; i=$((i+1)); done; cat /tmp/[0-9]* | sort -n | tail -n 1 | grep -q 19";

/** Runs `place.load` containers, four at a time. The result's name is the time, "12.34 s, 15.67 s of CPU". */
export async function dockerLoad(place: Place): Promise<void> {
  const docker = await startDocker(place, { name: "docker" });
  // The first one pays for what the daemon does once.
  await run(docker.run(docker.image, "true"));
  const statuses: number[] = [];
  let left = place.load;
  const began = performance.now();
  const used = cpuSeconds(place.cgroup);
  // The host's network: for one of its own dockerd starts itself once more, as a hook, which costs more than the runtime.
  const words = ["run", "--rm", "--network", "host", docker.image, "sh", "-c", work];
  const worker = async () => {
    while (left-- > 0) statuses.push((await run(docker.client(...words))).status);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  const cpu = (cpuSeconds(place.cgroup) - used).toFixed(2);
  await check(`${seconds} s, ${cpu} s of CPU`, () =>
    equal(statuses.filter((status) => status === 0).length, place.load),
  );
  await check("load: nothing left behind", () =>
    eventually(() => {
      equal(namesIn(docker.state), "");
      equal(cgroupsLeft(place.cgroup, /^\/(harness|docker)$/), "");
      equal(processesOf("containerd-shim-runc-v2").length, 0);
    }),
  );
  await docker.stop();
}
