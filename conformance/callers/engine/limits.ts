import { answer, equals, says } from "../command.ts";
import { noSysResource, unmountedHierarchy } from "../machine.ts";
import { cgroupFile } from "../processes.ts";
import type { Engine } from "./engine.ts";

/** Limits that a container starts with. */
export async function limits(engine: Engine): Promise<void> {
  const { run: once, image, name } = engine;
  await cgroupLimits(engine);
  const forks = "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done";
  await says("limits: processes, enforced", once("--pids-limit", "5", image, "sh", "-c", forks), {
    status: 2,
    says: /can't fork/,
  });
  // Podman's own default for processes is higher than what root may ask for without CAP_SYS_RESOURCE.
  const files = ["--ulimit", "nofile=100:200", ...(name === "podman" ? ["--ulimit", "nproc=100"] : [])];
  await says("limits: open files", once(...files, image, "sh", "-c", "ulimit -Sn; ulimit -Hn"), {
    says: /^100\n200$/m,
  });
  await says(
    "limits: a score for the OOM killer",
    once("--oom-score-adj", "500", image, "cat", "/proc/self/oom_score_adj"),
    {
      says: /^500$/m,
    },
  );
  await says("limits: a lower score", once("--oom-score-adj", "-500", image, "cat", "/proc/self/oom_score_adj"), {
    says: /^-500$/m,
    machine: noSysResource(),
  });
  await outOfMemory(engine);
}

async function cgroupLimits({ start, remove, inspect, image }: Engine): Promise<void> {
  const flags = ["-m", "64m", "--memory-swap", "128m", "--memory-reservation", "32m", "--pids-limit", "50"];
  flags.push("--cpus", "0.25", "--cpuset-cpus", "0");
  await says("limits: memory, processes, CPU", start("l1", ...flags, image, "sleep", "100"));
  const pid = await inspect("{{.State.Pid}}", "l1");
  const file = (controller: string, version1: string, version2: string) => async () =>
    cgroupFile(pid, controller, version1, version2).split(" ")[0]!;
  await equals("limits: memory", file("memory", "memory.limit_in_bytes", "memory.max"), "67108864");
  await equals("limits: processes", file("pids", "pids.max", "pids.max"), "50");
  await equals("limits: CPU", file("cpu", "cpu.cfs_quota_us", "cpu.max"), "25000");
  await equals("limits: which CPUs", file("cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
  await answer(remove("l1"));
}

async function outOfMemory({ name, client, create, inspect, remove, image }: Engine): Promise<void> {
  await answer(create("l2", "-m", "16m", image, "sh", "-c", "tail /dev/zero; s=$?; sleep 0.5; exit $s"));
  await says("limits: too much memory is the end", client("start", "-a", "l2"), { status: 137 });
  // conmon before 2.1.13 notes it where Podman does not look.
  const watched = name === "docker" ? unmountedHierarchy() : "conmon before 2.1.13 notes it in its working directory";
  await equals("limits: and is shown as the reason", () => inspect("{{.State.OOMKilled}}", "l2"), "true", watched);
  await answer(remove("l2"));
}
