/** Containers' cgroups on cgroup v2: every resource of the specification, read back from the kernel's files, and what guards them. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, grant } from "./bundle.ts";
import { cgroupDirectory, cgroupOf } from "./cgroup-location.ts";
import { firstDisk } from "./disks.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, create, prints, run, runBundle, running, runtime, state, tag } = containers("cgroups2");
const onV2 = needs("cgroup v2");
/** Paths that only the cgroupfs driver takes. */
const byPath = needs("cgroup v2", "cgroupfs driver");

const M = 1 << 20;
const contentOf = (id: string, file: string) => readFileSync(join(cgroupDirectory(id, ""), file), "utf8").trim();
const resources =
  (limits: Record<string, unknown>): Edit =>
  (config) => {
    config.linux.resources = { ...config.linux.resources, ...limits };
  };

const [major, minor] = (firstDisk ?? "0:0").split(":").map(Number);
const throttle = (rate: number) => [{ major, minor, rate }];

/** What the config says, and the file that says it back: all of it, or a line of it. */
const limits: [limits: Record<string, unknown>, file: string, expected: string][] = [
  [{ memory: { limit: 64 * M } }, "memory.max", `${64 * M}`],
  [{ memory: { limit: 64 * M, swap: 96 * M } }, "memory.swap.max", `${32 * M}`],
  [{ memory: { limit: 64 * M, swap: 64 * M } }, "memory.swap.max", "0"],
  [{ memory: { limit: 64 * M, swap: -1 } }, "memory.swap.max", "max"],
  [{ memory: { limit: -1 } }, "memory.max", "max"],
  [{ memory: { reservation: 32 * M } }, "memory.low", `${32 * M}`],
  [{ cpu: { shares: 1024 } }, "cpu.weight", "100"],
  [{ cpu: { shares: 2 } }, "cpu.weight", "1"],
  [{ cpu: { shares: 262144 } }, "cpu.weight", "10000"],
  [{ cpu: { quota: 25_000, period: 50_000 } }, "cpu.max", "25000 50000"],
  [{ cpu: { quota: 25_000 } }, "cpu.max", "25000 100000"],
  [{ cpu: { quota: -1, period: 50_000 } }, "cpu.max", "max 50000"],
  [{ cpu: { quota: 50_000, burst: 20_000 } }, "cpu.max.burst", "20000"],
  [{ cpu: { idle: 1 } }, "cpu.idle", "1"],
  [{ cpu: { cpus: "0" } }, "cpuset.cpus", "0"],
  [{ cpu: { mems: "0" } }, "cpuset.mems", "0"],
  [{ pids: { limit: 77 } }, "pids.max", "77"],
  [{ pids: { limit: -1 } }, "pids.max", "max"],
  [{ hugepageLimits: [{ pageSize: "2MB", limit: 4 * M }] }, "hugetlb.2MB.max", `${4 * M}`],
  [{ hugepageLimits: [{ pageSize: "2MB", limit: 4 * M }] }, "hugetlb.2MB.rsvd.max", `${4 * M}`],
  [{ blockIO: { weight: 500 } }, "io.weight", "default 4950"],
  [
    { blockIO: { throttleReadBpsDevice: throttle(M) } },
    "io.max",
    `${firstDisk} rbps=${M} wbps=max riops=max wiops=max`,
  ],
  [
    { blockIO: { throttleWriteBpsDevice: throttle(M) } },
    "io.max",
    `${firstDisk} rbps=max wbps=${M} riops=max wiops=max`,
  ],
  [
    { blockIO: { throttleReadIOPSDevice: throttle(99) } },
    "io.max",
    `${firstDisk} rbps=max wbps=max riops=99 wiops=max`,
  ],
  [
    { blockIO: { throttleWriteIOPSDevice: throttle(99) } },
    "io.max",
    `${firstDisk} rbps=max wbps=max riops=max wiops=99`,
  ],
  [{ unified: { "memory.high": `${48 * M}` } }, "memory.high", `${48 * M}`],
  [{ unified: { "memory.min": `${4 * M}` } }, "memory.min", `${4 * M}`],
  [{ unified: { "memory.oom.group": "1" } }, "memory.oom.group", "1"],
  [
    { unified: { "io.max": `${firstDisk} rbps=${M}\n${firstDisk} wiops=77` } },
    "io.max",
    `${firstDisk} rbps=${M} wbps=max riops=max wiops=77`,
  ],
  [{ unified: { "cgroup.max.descendants": "3" } }, "cgroup.max.descendants", "3"],
];

for (const [asked, file, expected] of limits) {
  onV2(`${JSON.stringify(asked)} is read back from ${file}`, () => {
    const of = create("true", resources(asked));
    expect(contentOf(of.id, file).split("\n")).toContain(expected);
  });
}

onV2("unified overrides what another field says", () => {
  const of = create("true", resources({ pids: { limit: 77 }, unified: { "pids.max": "78" } }));
  expect(contentOf(of.id, "pids.max")).toBe("78");
});

/** Refused before the program runs, with the field's place, in runc's words where it has some. */
const refusals: [name: string, limits: Record<string, unknown>, pointer: string, words: RegExp][] = [
  ["cpus that don't exist", { cpu: { cpus: "999" } }, "/linux/resources/cpu/cpus", /cpuset\.cpus/],
  ["a period that is too long", { cpu: { period: 2_000_000, quota: 1000 } }, "/linux/resources/cpu/quota", /cpu\.max/],
  ["a burst above the quota", { cpu: { quota: 10_000, burst: 20_000 } }, "/linux/resources/cpu/", /cpu\.max/],
  [
    "swap without a memory limit",
    { memory: { swap: M } },
    "/linux/resources/memory/swap",
    /unable to set swap limit without memory limit/,
  ],
  [
    "swap below memory",
    { memory: { limit: 2 * M, swap: M } },
    "/linux/resources/memory/swap",
    /memory\+swap limit should be >= memory limit/,
  ],
  [
    "a page size that the kernel doesn't have",
    { hugepageLimits: [{ pageSize: "3MB", limit: M }] },
    "/linux/resources/hugepageLimits/0/limit",
    /hugetlb\.3MB\.max/,
  ],
  [
    "a throttle for no device",
    { blockIO: { throttleReadBpsDevice: [{ major: 999, minor: 9, rate: 1 }] } },
    "/linux/resources/blockIO/throttleReadBpsDevice/0",
    /io\.max/,
  ],
  [
    "an rdma device that isn't there",
    { rdma: { mlx5_1: { hcaHandles: 3 } } },
    "/linux/resources/rdma/mlx5_1",
    /rdma\.max/,
  ],
  [
    "a unified file of a controller that isn't there",
    { unified: { "nope.max": "1" } },
    "/linux/resources/unified/nope.max",
    /unified resource "nope\.max" can't be set: controller "nope" not available/,
  ],
  [
    "a unified file that isn't there",
    { unified: { "memory.nope": "1" } },
    "/linux/resources/unified/memory.nope",
    /memory\.nope/,
  ],
  [
    "a unified path",
    { unified: { "../pids.max": "1" } },
    "/linux/resources/unified/..~1pids.max",
    /must be a file name \(no slashes\)/,
  ],
  [
    "a unified name without a controller",
    { unified: { max: "1" } },
    "/linux/resources/unified/max",
    /unified resource "max"/,
  ],
];

for (const [name, asked, pointer, words] of refusals) {
  onV2(`${name} is refused`, () => {
    const outcome = run("echo ran", resources(asked));
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toMatch(words);
    expect(outcome.stderr).toContain(pointer);
  });
}

onV2("the init is in the container's cgroup, and delete removes that", () => {
  const of = running();
  expect(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")).toBe(`0::${cgroupOf(of.id)}\n`);
  succeeded(runtime(["delete", "--force", of.id]));
  expect(existsSync(cgroupDirectory(of.id, ""))).toBe(false);
});

const at =
  (path: string | undefined, more?: Edit): Edit =>
  (config) => {
    config.linux.cgroupsPath = path;
    more?.(config);
  };

byPath("below several levels that are made, every controller works, and all of them are removed", () => {
  const of = create("true", at(`/${tag}-deep/er/leaf`, resources({ memory: { limit: 32 * M }, pids: { limit: 5 } })));
  const directory = `/sys/fs/cgroup/${tag}-deep/er/leaf`;
  expect(readFileSync(`${directory}/memory.max`, "utf8")).toBe(`${32 * M}\n`);
  const controllers = readFileSync(`${directory}/cgroup.controllers`, "utf8");
  expect(controllers).toBe(readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8"));
  succeeded(runtime(["delete", "--force", of.id]));
  expect(existsSync(`/sys/fs/cgroup/${tag}-deep`)).toBe(false);
});

byPath("a cgroupsPath can't leave the hierarchy", () => {
  create("true", at(`/../../${tag}-up`));
  expect(existsSync(`/sys/fs/cgroup/${tag}-up/pids.max`)).toBe(true);
});

byPath("a relative cgroupsPath is below the parent of the caller's cgroup, since that has processes itself", () => {
  const own = readFileSync("/proc/self/cgroup", "utf8").trim().slice("0::".length);
  const of = create("true", at(`${tag}-relative`, resources({ pids: { limit: 5 } })));
  const parent = own.slice(0, own.lastIndexOf("/"));
  expect(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")).toBe(`0::${parent}/${tag}-relative\n`);
});

/** A cgroup of the test's, with a process, that goes when `body` is done. */
async function withCgroup(name: string, body: (directory: string, sleeper: Bun.Subprocess) => void): Promise<void> {
  const directory = `/sys/fs/cgroup/${tag}-${name}`;
  mkdirSync(directory);
  const sleeper = Bun.spawn(["sleep", "100"]);
  writeFileSync(`${directory}/cgroup.procs`, `${sleeper.pid}`);
  try {
    body(directory, sleeper);
  } finally {
    sleeper.kill("SIGKILL");
    await sleeper.exited;
    Bun.spawnSync(["find", directory, "-depth", "-type", "d", "-delete"]);
  }
}

byPath("a cgroup that has processes already is refused, and left alone", () =>
  withCgroup("taken", (directory, sleeper) => {
    const outcome = run("true", at(`/${tag}-taken`));
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(/container's cgroup is not empty: 1 process\(es\) found/);
    expect(sleeper.exitCode).toBeNull();
    expect(existsSync(directory)).toBe(true);
  }),
);

byPath("an empty cgroup that is there already is used, and device rules that are in force there are replaced", () => {
  const path = `/${tag}-there`;
  mkdirSync(`/sys/fs/cgroup${path}`);
  const opens = (allow: boolean): Edit =>
    at(path, (config: Config) => {
      grant(config, "CAP_MKNOD");
      config.linux.resources = { devices: [{ allow, access: "rwm" }], pids: { limit: 9 } };
    });
  const script = "mknod /tmp/d c 1 11; (: >/tmp/d) 2>/dev/null && echo opened; true";
  for (const allow of [false, true, false]) {
    const of = bundle(script, opens(allow));
    expect(succeeded(runBundle(of)).stdout).toBe(allow ? "opened\n" : "");
    if (!existsSync(`/sys/fs/cgroup${path}`)) mkdirSync(`/sys/fs/cgroup${path}`);
  }
  rmdirSync(`/sys/fs/cgroup${path}`);
});

byPath("below a cgroup with processes a limit can't be had, and that is said", () =>
  withCgroup("inner", (directory) => {
    const outcome = run("echo ran", at(`/${tag}-inner/leaf`, resources({ memory: { limit: 32 * M } })));
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toMatch(/memory\.max can't be set: controller "memory" not available/);
    expect(readdirSync(directory)).not.toContain("leaf");
    expect(readFileSync(`${directory}/cgroup.type`, "utf8")).toBe("domain\n");
  }),
);

byPath("below a cgroup with processes a container without limits runs, and the cgroup stays what it is", () =>
  withCgroup("inner2", (directory) => {
    expect(succeeded(run("echo ran", at(`/${tag}-inner2/leaf`))).stdout).toBe("ran\n");
    expect(readFileSync(`${directory}/cgroup.type`, "utf8")).toBe("domain\n");
  }),
);

for (const where of ["threaded", "invalid"] as const) {
  byPath(`in a threaded subtree (${where}) a limit of whole processes is refused`, () =>
    withCgroup(`threads-${where}`, (directory) => {
      mkdirSync(`${directory}/threads`);
      writeFileSync(`${directory}/threads/cgroup.type`, "threaded");
      const place = where === "threaded" ? "threads" : "other";
      mkdirSync(`${directory}/other`);
      const path = `/${tag}-threads-${where}/${place}/leaf`;
      const outcome = run("echo ran", at(path, resources({ memory: { limit: 32 * M } })));
      expect(outcome).toMatchObject({ code: 1, stdout: "" });
      expect(complaint(outcome)).toMatch(
        /cannot enter cgroupv2 ".*" with domain controllers -- it is in (an invalid state|.*threaded mode)/,
      );
      expect(readdirSync(`${directory}/${place}`)).not.toContain("leaf");
    }),
  );
}

const withCgroupMount =
  (options: string[], namespace: boolean, more?: Edit): Edit =>
  (config) => {
    if (namespace) config.linux.namespaces.push({ type: "cgroup" });
    config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
    more?.(config);
  };
const readOnly = ["nosuid", "noexec", "nodev", "relatime", "ro"];
const writable = readOnly.slice(0, 4);

onV2("with a cgroup namespace the container's own cgroup is the root of what it sees", () => {
  const seen = prints(
    "cat /proc/self/cgroup /sys/fs/cgroup/pids.max; mkdir /sys/fs/cgroup/x 2>/dev/null || true",
    withCgroupMount(readOnly, true, resources({ pids: { limit: 88 } })),
  ).split("\n");
  expect(seen.slice(0, 2)).toEqual(["0::/", "88"]);
});

onV2("without a cgroup namespace the mount shows the hierarchy as it is, read-only if asked", () => {
  const of = bundle(
    "cat /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/pids.max; mkdir /sys/fs/cgroup/x 2>/dev/null && echo made; true",
    withCgroupMount(readOnly, false, resources({ pids: { limit: 88 } })),
  );
  expect(succeeded(runBundle(of)).stdout).toBe("88\n");
});

onV2("a mount that may be written lets root make cgroups below its own", () => {
  const script = "mkdir /sys/fs/cgroup/sub && echo $$ >/sys/fs/cgroup/sub/cgroup.procs && cat /proc/self/cgroup";
  expect(prints(script, withCgroupMount(writable, true))).toBe("0::/sub");
});

const delegated = ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
const owners = (id: string) => delegated.map((file) => statSync(join(cgroupDirectory(id, ""), file)).uid);

onV2("a cgroup that the container may write belongs to the user of its program", () => {
  const asUser: Edit = (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  };
  expect(owners(create("true", withCgroupMount(writable, true, asUser)).id)).toEqual([1000, 1000, 1000, 1000]);
  expect(owners(create("true", withCgroupMount(readOnly, true, asUser)).id)).toEqual([0, 0, 0, 0]);
  expect(owners(create("true", withCgroupMount(writable, false, asUser)).id)).toEqual([0, 0, 0, 0]);
});

needs("cgroup v2", "user namespaces")(
  "in a user namespace its owner is the host's id of that user, and limits stay root's",
  () => {
    const of = create(
      "mkdir /sys/fs/cgroup/sub && echo made; echo 1 >/sys/fs/cgroup/pids.max || echo denied",
      withCgroupMount(writable, true, (config) => {
        config.linux.namespaces.push({ type: "user" });
        config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
        config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      }),
    );
    expect(owners(of.id)).toEqual([100_000, 100_000, 100_000, 100_000]);
    expect(statSync(join(cgroupDirectory(of.id, ""), "pids.max")).uid).toBe(0);
  },
);

onV2("want of memory kills the program, and the kernel's count says so", async () => {
  const hog = resources({ memory: { limit: 8 * M, swap: 8 * M } });
  // The shell outlives its child: systemd removes a cgroup with its last process, and the count with it.
  const of = create("tail -c 64m /dev/zero; sleep 1000", hog);
  succeeded(runtime(["start", of.id]));
  await until("the kernel to kill", () => /^oom_kill [1-9]/m.test(contentOf(of.id, "memory.events")));
});

onV2("delete --force ends all processes of a container without a pid namespace at once", async () => {
  const of = create("while :; do sleep 100 & sleep 0.2; done", (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
  });
  succeeded(runtime(["start", of.id]));
  await until("some processes", () => contentOf(of.id, "cgroup.procs").split("\n").length > 3);
  succeeded(runtime(["delete", "--force", of.id]));
  expect(existsSync(cgroupDirectory(of.id, ""))).toBe(false);
});

needs("cgroup v2", "pause command")("pause freezes, resume thaws", async () => {
  const of = running();
  succeeded(runtime(["pause", of.id]));
  expect(contentOf(of.id, "cgroup.events")).toContain("frozen 1");
  expect(state(of.id).status).toBe("paused");
  succeeded(runtime(["resume", of.id]));
  expect(contentOf(of.id, "cgroup.events")).toContain("frozen 0");
});
