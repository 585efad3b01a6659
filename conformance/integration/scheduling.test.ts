import { expect, test } from "bun:test";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Edit, put } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { call, complaint, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, env, prints, root, run, running, runtime } = containers("scheduling");

const set =
  (pointer: string, value: unknown): Edit =>
  (config) =>
    put(config, pointer, value);

/** Field 41 of proc_pid_stat(5); sched(7) has the numbers. */
const policies: [scheduler: Record<string, unknown>, policy: string, nice: string][] = [
  [{ policy: "SCHED_OTHER", nice: 7 }, "0", "7"],
  [{ policy: "SCHED_BATCH", nice: 3 }, "3", "3"],
  [{ policy: "SCHED_IDLE" }, "5", "0"],
];

for (const [scheduler, policy, nice] of policies) {
  needs("scheduler")(`the scheduler is ${JSON.stringify(scheduler)}`, () => {
    const fields = prints("cat /proc/self/stat", set("/process/scheduler", scheduler)).split(") ")[1]!.split(" ");
    expect([fields[38], fields[16]]).toEqual([policy, nice]);
  });
}

needs("affinity of exec", "two processors")("a container is not confined to the CPUs of the runtime's caller", () => {
  const of = bundle("grep Cpus_allowed_list /proc/self/status");
  const confined = ["taskset", "-c", "0", runtimePath, "--root", root, "run", "--bundle", of.dir, of.id];
  const outcome = succeeded(call(confined, join(base, "confined"), { env }));
  expect(outcome.stdout.split(":")[1]!.trim()).not.toBe("0");
});

needs("ioPriority")("the I/O priority is the config's", () => {
  const seen = prints("ionice -p $$", (config) => {
    set("/process/ioPriority", { class: "IOPRIO_CLASS_BE", priority: 6 })(config);
    config.process.args = ["/bin/busybox", "ionice", "-p", "1"];
  });
  expect(seen).toBe("best-effort: prio 6");
});

const refusals: [feature: "scheduler" | "ioPriority", name: string, edit: Edit][] = [
  ["scheduler", "an unknown policy", set("/process/scheduler", { policy: "SCHED_BANANA" })],
  ["scheduler", "a nice value of 20", set("/process/scheduler", { policy: "SCHED_OTHER", nice: 20 })],
  [
    "scheduler",
    "a priority with a policy that has none",
    set("/process/scheduler", { policy: "SCHED_OTHER", priority: 3 }),
  ],
  ["ioPriority", "an I/O priority of 8", set("/process/ioPriority", { class: "IOPRIO_CLASS_BE", priority: 8 })],
  ["ioPriority", "an unknown I/O class", set("/process/ioPriority", { class: "IOPRIO_CLASS_BANANA", priority: 1 })],
];

for (const [feature, name, edit] of refusals) {
  needs(feature)(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toMatch(/scheduler|ioPriority|\/process\//i);
  });
}

needs("affinity of exec", "exec command")("exec runs on the CPUs of execCPUAffinity, the container on its own", () => {
  const of = running(set("/process/execCPUAffinity", { initial: "0", final: "0" }));
  const list = succeeded(runtime(["exec", of.id, "grep", "Cpus_allowed_list", "/proc/self/status"])).stdout;
  expect(list.trim()).toMatch(/\t0$/);
});

needs("root", "scheduler")("a deadline is the program's, with its flags", () => {
  const scheduler = { policy: "SCHED_DEADLINE", runtime: 42_000, deadline: 1_000_000, period: 2_000_000 };
  // Reset on fork: without it a thread with a deadline may not fork at all.
  const seen = prints("cat /proc/self/sched", (config) => {
    set("/process/scheduler", { ...scheduler, flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN"] })(config);
    config.process.args = ["cat", "/proc/self/sched"];
  });
  expect(seen.split("\n").find((line) => line.startsWith("policy"))).toMatch(/ 6$/);
});

for (const [policy, seen] of [
  [{ mode: "MPOL_INTERLEAVE", nodes: "0" }, /^interleave:0$/],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, /^bind=static:0$/],
  [{ mode: "MPOL_PREFERRED", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"] }, /^prefer=relative:0$/],
  [{ mode: "MPOL_DEFAULT" }, /^default$/],
] as const) {
  needs("memoryPolicy")(`the memory policy is ${JSON.stringify(policy)}`, () => {
    expect(prints("head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2", set("/linux/memoryPolicy", policy))).toMatch(
      seen,
    );
  });
}

needs("memoryPolicy")("a memory policy that binds to node 0 is the program's", () => {
  expect(prints("cat /proc/self/numa_maps", set("/linux/memoryPolicy", { mode: "MPOL_BIND", nodes: "0" }))).toMatch(
    / bind:0 /,
  );
});

needs("memoryPolicy")("a memory policy without the nodes that it needs is refused", () => {
  expect(run("true", set("/linux/memoryPolicy", { mode: "MPOL_BIND" })).code).toBe(1);
});

needs(
  "root",
  "idmapped mounts",
  "idmapped tmpfs",
)("an idmapped bind shows other owners inside than outside", () => {
  const volume = join(base, "volume");
  mkdirSync(volume);
  chownSync(volume, 100_005, 100_006);
  const mappings = [{ containerID: 100_000, hostID: 0, size: 10 }];
  const seen = prints("stat -c %u:%g /m", (config) => {
    const options = ["bind", "idmap"];
    config.mounts.push({
      destination: "/m",
      source: volume,
      options,
      uidMappings: mappings,
      gidMappings: mappings,
    } as never);
  });
  expect(seen).toBe("5:6");
});

test("without a scheduler the program has the caller's", () => {
  expect(prints("cut -d' ' -f41 /proc/self/stat")).toBe("0");
});
