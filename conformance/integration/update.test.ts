import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.ts";
import { cgroupDirectory, hasCgroupV2 } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint, runtimeName } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("update command");
const onV1 = needs("cgroup v1", "update command");
const onV2 = needs("cgroup v2", "update command");

const { base, create, running, runtime, state } = containers("update");

const fileOf = (id: string, file: string) => join(cgroupDirectory(id, file.split("/")[0]!), file.split("/").at(-1)!);

/** "memory/memory.limit_in_bytes" on v1, "memory.max" on v2. */
function contentOf(id: string, file: string): string {
  return readFileSync(fileOf(id, file), "utf8").trim();
}

const update = (id: string, ...args: string[]) => runtime(["update", ...args, id]);

const resources =
  (limits: Record<string, unknown>): Edit =>
  (config) => {
    config.linux.resources = { ...config.linux.resources, ...limits };
  };

const M = 1 << 20;
const unlimited = "9223372036854771712";

/** Flags, and what is read afterwards from which file of v1 and of v2. */
const flags: [flags: string[], v1: [file: string, value: string][], v2: [file: string, value: string][]][] = [
  [["--memory", "67108864"], [["memory/memory.limit_in_bytes", `${64 * M}`]], [["memory.max", `${64 * M}`]]],
  [["--memory", "64M"], [["memory/memory.limit_in_bytes", `${64 * M}`]], [["memory.max", `${64 * M}`]]],
  [["--memory=0.5gib"], [["memory/memory.limit_in_bytes", `${512 * M}`]], [["memory.max", `${512 * M}`]]],
  [
    ["--memory", "64M", "--memory-swap", "96M"],
    [
      ["memory/memory.limit_in_bytes", `${64 * M}`],
      ["memory/memory.memsw.limit_in_bytes", `${96 * M}`],
    ],
    [
      ["memory.max", `${64 * M}`],
      ["memory.swap.max", `${32 * M}`],
    ],
  ],
  [
    ["--memory-reservation", "32m"],
    [["memory/memory.soft_limit_in_bytes", `${32 * M}`]],
    [["memory.low", `${32 * M}`]],
  ],
  [["--cpu-share", "200"], [["cpu/cpu.shares", "200"]], [["cpu.weight", "29"]]],
  [
    ["--cpu-period", "50000", "--cpu-quota", "25000"],
    [
      ["cpu/cpu.cfs_period_us", "50000"],
      ["cpu/cpu.cfs_quota_us", "25000"],
    ],
    [["cpu.max", "25000 50000"]],
  ],
  [["--cpu-quota", "25000"], [["cpu/cpu.cfs_quota_us", "25000"]], [["cpu.max", "25000 100000"]]],
  [["--cpu-period", "50000"], [["cpu/cpu.cfs_period_us", "50000"]], [["cpu.max", "max 50000"]]],
  [
    ["--cpu-quota", "50000", "--cpu-burst", "20000"],
    [
      ["cpu/cpu.cfs_quota_us", "50000"],
      ["cpu/cpu.cfs_burst_us", "20000"],
    ],
    [
      ["cpu.max", "50000 100000"],
      ["cpu.max.burst", "20000"],
    ],
  ],
  [["--cpu-idle", "1"], [["cpu/cpu.idle", "1"]], [["cpu.idle", "1"]]],
  [["--cpuset-cpus", "0"], [["cpuset/cpuset.cpus", "0"]], [["cpuset.cpus", "0"]]],
  [["--cpuset-mems", "0"], [["cpuset/cpuset.mems", "0"]], [["cpuset.mems", "0"]]],
  [["--pids-limit", "44"], [["pids/pids.max", "44"]], [["pids.max", "44"]]],
  [["--pids-limit", "0x10"], [["pids/pids.max", "16"]], [["pids.max", "16"]]],
  [["--pids-limit", "0"], [["pids/pids.max", "1"]], [["pids.max", "1"]]],
  [["--pids-limit=-1"], [["pids/pids.max", "max"]], [["pids.max", "max"]]],
];

const newer = needs("newer limits", "update command");

for (const [args, v1, v2] of flags) {
  const define = /burst|idle|limit 0$/.test(args.join(" ")) ? newer : test;
  define(`update ${args.join(" ")} is read back`, () => {
    const { id } = running(resources({ pids: { limit: 33 } }));
    expect(succeeded(update(id, ...args))).toMatchObject({ stdout: "", stderr: "" });
    const files = hasCgroupV2 ? v2 : v1;
    expect(files.map(([file]) => [file, contentOf(id, file)])).toEqual(files);
  });
}

/** The files of v1 that not every kernel has, or not for every container. */
const optional: [args: string[], file: string, value: string][] = [
  [["--cpu-rt-period", "500000"], "cpu/cpu.rt_period_us", "500000"],
  [["--cpu-rt-period", "500000", "--cpu-rt-runtime", "1000"], "cpu/cpu.rt_runtime_us", "1000"],
  [["--blkio-weight", "500"], "blkio/blkio.weight", "500"],
  [["--blkio-weight", "500"], "blkio/blkio.bfq.weight", "500"],
];
for (const [args, file, value] of optional) {
  onV1(`update ${args.join(" ")} is read back from ${file}, or refused by its name`, () => {
    const { id } = running();
    const outcome = update(id, ...args);
    const path = fileOf(id, file);
    if (outcome.code === 0 && existsSync(path)) expect(contentOf(id, file)).toBe(value);
    else if (outcome.code !== 0) {
      expect(complaint(outcome)).toMatch(/^error setting cgroup config: failed to write/);
      expect(complaint(outcome)).toContain(`at ${args.at(-2)}`);
    }
  });
}

test("the limits can be raised and lowered again in any order", () => {
  const { id } = running(resources({ memory: { limit: 32 * M, swap: 48 * M } }));
  const [limit, both] = hasCgroupV2
    ? ["memory.max", "memory.swap.max"]
    : ["memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes"];
  for (const [memory, swap] of [
    [64, 96],
    [16, 24],
    [128, 128],
    [20, 400],
  ] as const) {
    succeeded(update(id, "--memory", `${memory}M`, "--memory-swap", `${swap}M`));
    expect([contentOf(id, limit), contentOf(id, both)]).toEqual([
      `${memory * M}`,
      `${(hasCgroupV2 ? swap - memory : swap) * M}`,
    ]);
  }
});

test("memory -1 takes the limit of swap away too", () => {
  const { id } = running(resources({ memory: { limit: 32 * M, swap: 48 * M } }));
  succeeded(update(id, "--memory=-1"));
  const files = hasCgroupV2
    ? ["memory.max", "memory.swap.max"]
    : ["memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes"];
  for (const file of files) expect(contentOf(id, file)).toBe(hasCgroupV2 ? "max" : unlimited);
});

test("swap alone, and memory alone, keep the other as it is said in config.json's terms", () => {
  const { id } = running(resources({ memory: { limit: 32 * M, swap: 48 * M } }));
  const file = hasCgroupV2 ? "memory.swap.max" : "memory/memory.memsw.limit_in_bytes";
  succeeded(update(id, "--memory-swap", "64M"));
  expect(contentOf(id, file)).toBe(`${(hasCgroupV2 ? 32 : 64) * M}`);
  succeeded(update(id, "--memory", "40M"));
  expect(contentOf(id, file)).toBe(`${(hasCgroupV2 ? 24 : 64) * M}`);
});

test("quota and period are kept when the other is updated, also after an update of something else", () => {
  const { id } = running(resources({ cpu: { quota: 40_000, period: 50_000 } }));
  const both = () =>
    hasCgroupV2
      ? contentOf(id, "cpu.max")
      : `${contentOf(id, "cpu/cpu.cfs_quota_us")} ${contentOf(id, "cpu/cpu.cfs_period_us")}`;
  succeeded(update(id, "--cpu-period", "80000"));
  expect(both()).toBe("40000 80000");
  succeeded(update(id, "--pids-limit", "50"));
  succeeded(update(id, "--cpu-quota", "20000"));
  expect(both()).toBe("20000 80000");
  succeeded(update(id, "--cpu-period", "50000"));
  expect(both()).toBe("20000 50000");
  succeeded(update(id, "--cpu-quota=-1"));
  expect(both()).toBe(hasCgroupV2 ? "max 50000" : "-1 50000");
});

newer("cpu-idle can be taken back, and the shares set then", () => {
  const { id } = running(resources({ cpu: { shares: 512 } }));
  const [idle, shares] = hasCgroupV2 ? ["cpu.idle", "cpu.weight"] : ["cpu/cpu.idle", "cpu/cpu.shares"];
  succeeded(update(id, "--cpu-idle", "1"));
  succeeded(update(id, "--cpu-idle", "0", "--cpu-share", "200"));
  expect([contentOf(id, idle), contentOf(id, shares)]).toEqual(["0", hasCgroupV2 ? "29" : "200"]);
});

const document = {
  memory: { limit: 64 * M, reservation: 0, swap: 64 * M, kernel: 0 },
  cpu: { shares: 300, quota: 0, period: 0, cpus: "0" },
  pids: { limit: 55 },
  blockIO: { weight: 0 },
};

function expectDocument(id: string): void {
  const expected: Record<string, string> = hasCgroupV2
    ? { "memory.max": `${64 * M}`, "memory.swap.max": "0", "cpu.weight": "39", "cpuset.cpus": "0", "pids.max": "55" }
    : {
        "memory/memory.limit_in_bytes": `${64 * M}`,
        "memory/memory.memsw.limit_in_bytes": `${64 * M}`,
        "cpu/cpu.shares": "300",
        "cpuset/cpuset.cpus": "0",
        "pids/pids.max": "55",
      };
  const found = Object.fromEntries(Object.keys(expected).map((file) => [file, contentOf(id, file)]));
  expect(found).toEqual(expected);
}

test("update takes resources in JSON from standard input", () => {
  const { id } = running();
  for (const args of [["--resources", "-"], ["--resources=-"], ["-r", "-"]]) {
    succeeded(update(id, "--pids-limit", "77"));
    succeeded(runtime(["update", ...args, id], { stdin: JSON.stringify(document) }));
    expectDocument(id);
  }
});

test("update takes resources in JSON from a file, and from a pipe that the caller's shell made", () => {
  const { id } = running();
  const path = join(base, "resources.json");
  writeFileSync(path, JSON.stringify(document));
  succeeded(update(id, "-r", path));
  expectDocument(id);
  succeeded(runtime(["update", "-r", "/dev/fd/0", id], { stdin: '{"pids":{"limit":56}}' }));
  expect(contentOf(id, hasCgroupV2 ? "pids.max" : "pids/pids.max")).toBe("56");
});

needs("update that says what it does", "update command")(
  "other limits beside a document are ignored, and that is said",
  () => {
    const { id } = running();
    const outcome = runtime(["update", "--pids-limit", "44", "-r", "-", id], { stdin: JSON.stringify(document) });
    expect(succeeded(outcome).stderr).toContain("--pids-limit is ignored: the limits are read from -");
    expectDocument(id);
  },
);

test("a document's names are read in any case, as Go's decoder does; a misspelt one is warned of", () => {
  const { id } = running();
  const outcome = runtime(["update", "-r", "-", id], { stdin: '{"Pids":{"LIMIT":44},"memroy":{"limit":4096}}' });
  succeeded(outcome);
  expect(contentOf(id, hasCgroupV2 ? "pids.max" : "pids/pids.max")).toBe("44");
  if (runtimeName === "runts") expect(outcome.stderr).toContain('did you mean \\"memory\\"?');
});

test("an empty document, and an update without any option, change nothing", () => {
  const { id } = running(resources({ pids: { limit: 33 }, memory: { limit: 64 * M } }));
  succeeded(runtime(["update", "-r", "-", id], { stdin: "{}" }));
  succeeded(update(id));
  expect(contentOf(id, hasCgroupV2 ? "pids.max" : "pids/pids.max")).toBe("33");
  expect(contentOf(id, hasCgroupV2 ? "memory.max" : "memory/memory.limit_in_bytes")).toBe(`${64 * M}`);
});

needs("update that says what it does", "update command")(
  "kernel memory is ignored with a warning, device rules of a document too",
  () => {
    const { id } = running();
    expect(succeeded(update(id, "--kernel-memory", "64M")).stderr).toContain(
      'level=warning msg="Kernel memory settings are ignored and will be removed"',
    );
    expect(succeeded(update(id, "--kernel-memory-tcp", "64M")).stderr).toContain("Kernel memory settings are ignored");
    const devices = [{ allow: true, access: "rwm" }];
    const before = hasCgroupV2 ? "" : contentOf(id, "devices/devices.list");
    const outcome = runtime(["update", "-r", "-", id], { stdin: JSON.stringify({ devices, memory: { kernel: 1 } }) });
    expect(succeeded(outcome).stderr).toMatch(/does not change device rules(.|\n)*$/);
    expect(outcome.stderr).toContain("Kernel memory settings are ignored");
    if (!hasCgroupV2) expect(contentOf(id, "devices/devices.list")).toBe(before);
  },
);

needs(
  "newer limits",
  "cgroup v1",
  "update command",
)("a block device's rate is set, changed and taken away", () => {
  const { id } = running();
  const rate = (value: number) =>
    succeeded(
      runtime(["update", "-r", "-", id], {
        stdin: JSON.stringify({ blockIO: { throttleReadBpsDevice: [{ ...blockDevice(), rate: value }] } }),
      }),
    );
  const { major, minor } = blockDevice();
  rate(1 << 20);
  rate(2 << 20);
  expect(contentOf(id, "blkio/blkio.throttle.read_bps_device")).toBe(`${major}:${minor} ${2 << 20}`);
  rate(0);
  expect(contentOf(id, "blkio/blkio.throttle.read_bps_device")).toBe("");
});

/** A block device that the kernel has. */
function blockDevice(): { major: number; minor: number } {
  const name = readdirSync("/sys/block")[0]!;
  const [major, minor] = readFileSync(`/sys/block/${name}/dev`, "utf8").split(":").map(Number);
  return { major: major!, minor: minor! };
}

test("an update leaves what it doesn't name", () => {
  const { id } = running(resources({ pids: { limit: 33 } }));
  succeeded(update(id, "--cpu-share", "200"));
  expect(contentOf(id, hasCgroupV2 ? "pids.max" : "pids/pids.max")).toBe("33");
});

// systemd writes all of a controller's files when it is told of one.
needs("update command", "cgroupfs driver")(
  "what somebody else has changed is not brought back by an update of something else",
  () => {
    const { id } = running(resources({ pids: { limit: 33 } }));
    const file = fileOf(id, "pids/pids.max");
    writeFileSync(file, "99");
    succeeded(update(id, "--cpu-share", "200"));
    expect(readFileSync(file, "utf8").trim()).toBe("99");
  },
);

test("a created and a paused container can be updated, and stay what they are", () => {
  const [created, paused] = [create("true"), running()];
  succeeded(runtime(["pause", paused.id]));
  for (const { id } of [created, paused]) {
    succeeded(update(id, "--pids-limit", "44"));
    expect(contentOf(id, hasCgroupV2 ? "pids.max" : "pids/pids.max")).toBe("44");
  }
  expect([state(created.id).status, state(paused.id).status]).toEqual(["created", "paused"]);
});

needs("update command", "exec command")("an update doesn't open devices", () => {
  const { id } = running();
  succeeded(update(id, "--pids-limit", "44"));
  const allowed = runtime(["exec", id, "sh", "-c", "echo x >/dev/null && echo fine"]);
  expect(allowed.stdout).toBe("fine\n");
});

needs("whole updates", "update command")("when a limit is refused, those before it are as they were", () => {
  const { id } = running(resources({ pids: { limit: 33 }, memory: { limit: 64 * M }, cpu: { shares: 512 } }));
  const files = hasCgroupV2
    ? ["memory.max", "memory.swap.max", "memory.low", "pids.max", "cpu.weight", "cpuset.cpus", "cpu.max"]
    : [
        "memory/memory.limit_in_bytes",
        "memory/memory.memsw.limit_in_bytes",
        "memory/memory.soft_limit_in_bytes",
        "pids/pids.max",
        "cpu/cpu.shares",
        "cpuset/cpuset.cpus",
        "cpu/cpu.cfs_quota_us",
      ];
  const all = () => files.map((file) => [file, contentOf(id, file)]);
  const before = all();
  const outcome = update(
    id,
    ...["--cpuset-cpus", "0", "--memory", "128M", "--memory-swap", "256M", "--memory-reservation", "16M"],
    // The kernel's limits of a period are 1 ms and 1 s.
    ...["--cpu-share", "200", "--pids-limit", "44", "--cpu-quota", "2000", "--cpu-period", "2"],
  );
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toMatch(/^error setting cgroup config: failed to write/);
  expect(outcome.stderr).not.toContain("could not be put back");
  expect(all()).toEqual(before);
});

needs(
  "json pointers",
  "cgroup v1",
  "update command",
)("a memory limit below what is in use is refused with the numbers", async () => {
  const of = create("dd if=/dev/zero of=/dev/shm/file bs=1M count=20; echo ready; sleep 1000", (config) => {
    config.process.args = ["sh", "-c", config.process.args[2]!];
  });
  succeeded(runtime(["start", of.id]));
  await until("the file", () => of.logs().stdout.includes("ready"));
  const outcome = update(of.id, "--memory", "8M");
  // What can be reclaimed is; a tmpfs without swap can't.
  if (outcome.code !== 0) {
    expect(complaint(outcome)).toMatch(
      /^unable to set memory limit to 8388608 \(current usage: \d+, peak usage: \d+\).*at --memory\b/,
    );
  }
});

onV2("checkBeforeUpdate refuses a limit below what is in use", () => {
  const { id } = running();
  const outcome = runtime(["update", "-r", "-", id], {
    stdin: JSON.stringify({ memory: { limit: 4096, checkBeforeUpdate: true } }),
  });
  expect(complaint(outcome)).toMatch(/^rejecting memory limit 4096 <= usage \d+/);
  expect(contentOf(id, "memory.max")).toBe("max");
});

onV2("unified is written as it is", () => {
  const { id } = running();
  const stdin = JSON.stringify({ unified: { "memory.high": `${32 * M}`, "pids.max": "12" } });
  succeeded(runtime(["update", "-r", "-", id], { stdin }));
  expect([contentOf(id, "memory.high"), contentOf(id, "pids.max")]).toEqual([`${32 * M}`, "12"]);
});

needs(
  "json pointers",
  "cgroup v1",
  "update command",
)("unified is refused in runc's words", () => {
  const outcome = runtime(["update", "-r", "-", running().id], { stdin: '{"unified":{"memory.high":"1"}}' });
  expect(complaint(outcome)).toMatch(/^invalid configuration: cannot use unified on cgroup v1.*at \/unified/);
});

const refusals: [name: string, args: string[], words: RegExp][] = [
  ["a suffix that is none", ["--memory", "12q"], /^invalid value for memory: invalid suffix: 'q' \[at --memory\]/],
  ["a size that is none", ["--memory-swap", "much"], /^invalid value for memory-swap: invalid size: 'much'/],
  ["a negative size", ["--memory-reservation=-5"], /^invalid value for memory-reservation: invalid size: '-5'/],
  ["a kernel memory that is none", ["--kernel-memory", "x"], /^invalid value for kernel-memory: invalid size: 'x'/],
  [
    "a share that is none",
    ["--cpu-share", "abc"],
    /^invalid value for cpu-share: strconv.ParseUint: parsing "abc": invalid syntax/,
  ],
  [
    "a negative period",
    ["--cpu-period=-1"],
    /^invalid value for cpu-period: strconv.ParseUint: parsing "-1": invalid syntax/,
  ],
  [
    "a quota that is none",
    ["--cpu-quota", "1.5"],
    /^invalid value for cpu-quota: strconv.ParseInt: parsing "1.5": invalid syntax/,
  ],
  ["an idle that is none", ["--cpu-idle", "2"], /invalid cpu.idle.*at --cpu-idle/],
  ["pids that are none", ["--pids-limit", "many"], /^invalid value "many" for flag -pids-limit: parse error/],
  ["a weight out of range", ["--blkio-weight", "5"], /^invalid block I\/O weight.*at --blkio-weight/],
  ["cpus that are no list", ["--cpuset-cpus", "a-b"], /^invalid list for cpuset.cpus.*at --cpuset-cpus/],
  ["cpus that don't exist", ["--cpuset-cpus", "999"], /failed to write "999".*at --cpuset-cpus/],
  [
    "less memory and swap than memory",
    ["--memory", "64M", "--memory-swap", "32M"],
    /^memory\+swap limit should be >= memory limit.*at --memory-swap/,
  ],
  [
    "a cache schema where there is none",
    ["--l3-cache-schema", "L3:0=f"],
    /^Intel RDT\/CAT: l3 cache schema is not enabled/,
  ],
  [
    "a bandwidth schema where there is none",
    ["--mem-bw-schema", "MB:0=20"],
    /^Intel RDT\/MBA: memory bandwidth schema is not enabled/,
  ],
  ["a file that isn't there", ["-r", "/nowhere.json"], /^open \/nowhere.json: no such file or directory/],
  ["a directory", ["-r", "/"], /^read \/: is a directory/],
  ["nothing on standard input", ["-r", "-"], /standard input/],
];

for (const [name, args, words] of refusals) {
  const define = /at --|invalid cpu.idle|standard input/.test(words.source)
    ? needs("json pointers", "update command")
    : test;
  define(`update with ${name} is refused`, () => {
    if (/cache|bandwidth/.test(name) && existsSync("/sys/fs/resctrl/info")) return;
    const outcome = update(running().id, ...args);
    expect([outcome.code, complaint(outcome)]).toEqual([1, expect.stringMatching(words)]);
  });
}

needs("json pointers", "update command")(
  "all that is wrong with a document is told, by its place in the document",
  () => {
    const stdin = '{"memory":{"limit":"64M"},"cpu":{"idle":7}}';
    const outcome = runtime(["update", "-r", "-", running().id], { stdin });
    expect(complaint(outcome)).toMatch(/at \/memory\/limit/);
    const broken = runtime(["update", "-r", "-", running().id], { stdin: '{"memory":' });
    expect(complaint(broken)).toMatch(/invalid JSON|unexpected/);
  },
);

needs(
  "json pointers",
  "cgroup v2",
  "update command",
)("swap without a limit of memory is refused in runc's words", () => {
  expect(complaint(update(running().id, "--memory-swap", "64M"))).toMatch(
    /^unable to set swap limit without memory limit.*at --memory-swap/,
  );
});

test("update of a stopped container, and of none, is refused in runc's words", async () => {
  const of = create("true");
  succeeded(runtime(["start", of.id]));
  await until("the program to end", () => state(of.id).status === "stopped");
  expect(complaint(update(of.id, "--pids-limit", "44"))).toMatch(/^container not running/);
  expect(complaint(update("not-there", "--memory", "12q"))).toMatch(/^container does not exist/);
  expect(complaint(runtime(["update"]))).toMatch(/"update" requires exactly 1 argument/);
});
