import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, grant, put } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, create, prints, run, runBundle, running, runtime, state, tag } = containers("cgroups");
const onV1 = needs("cgroup v1");

const fileOf = (id: string, controller: string, name: string) => join("/sys/fs/cgroup", controller, id, name);
const resources =
  (pointer: string, value: unknown): Edit =>
  (config) =>
    put(config, `/linux/resources/${pointer}`, value);

onV1("the init is in the container's cgroup of every hierarchy", () => {
  const of = create("true");
  const lines = readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")
    .trim()
    .split("\n");
  // A hierarchy that is mounted nowhere is listed as well.
  const mounted = lines.filter((line) => {
    const [, controllers] = line.split(":") as [string, string];
    return controllers !== "" && existsSync(join("/sys/fs/cgroup", controllers.replace("name=", "")));
  });
  expect(mounted.length).toBeGreaterThan(0);
  for (const line of mounted) expect(line).toEndWith(`:/${of.id}`);
});

onV1("delete removes the cgroups of every hierarchy", () => {
  const of = running();
  expect(existsSync(fileOf(of.id, "pids", "tasks"))).toBe(true);
  runtime(["delete", "--force", of.id]);
  for (const name of ["pids", "memory", "devices", "cpu", "freezer", "systemd", "unified"]) {
    expect(existsSync(`/sys/fs/cgroup/${name}/${of.id}`)).toBe(false);
  }
});

onV1("a cgroupsPath of several levels is made", () => {
  const of = create("true", (config) => {
    config.linux.cgroupsPath = `/${tag}/deep${config.linux.cgroupsPath}`;
  });
  const dir = `/sys/fs/cgroup/pids/${tag}/deep/${of.id}`;
  expect(existsSync(dir)).toBe(true);
  runtime(["delete", "--force", of.id]);
  expect(existsSync(dir)).toBe(false);
  Bun.spawnSync([
    "sh",
    "-c",
    `find /sys/fs/cgroup -mindepth 2 -path '*/${tag}' -exec find {} -depth -type d -delete ';'`,
  ]);
});

onV1("a cgroupsPath can't leave the hierarchy", () => {
  const of = create("true", (config) => {
    config.linux.cgroupsPath = `/../../..${config.linux.cgroupsPath}`;
  });
  expect(existsSync(fileOf(of.id, "pids", "pids.max"))).toBe(true);
});

onV1("without a cgroupsPath the container has a cgroup named after its id", () => {
  const of = create("true", (config) => {
    config.linux.cgroupsPath = undefined;
  });
  expect(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")).toMatch(new RegExp(`:pids:.*/${of.id}$`, "m"));
});

needs("cgroup in use", "cgroup v1")("a cgroup that has processes already is refused, and left alone", () => {
  const dirs = ["devices", "pids"].map((controller) => `/sys/fs/cgroup/${controller}/${tag}-taken`);
  const sleeper = Bun.spawn(["sleep", "100"]);
  for (const dir of dirs) Bun.spawnSync(["sh", "-c", `mkdir ${dir}; echo ${sleeper.pid} >${dir}/cgroup.procs`]);
  try {
    const outcome = run("true", (config) => {
      config.linux.cgroupsPath = `/${tag}-taken`;
    });
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(/container's cgroup is not empty: 1 process\(es\) found/);
    expect(sleeper.exitCode).toBeNull();
  } finally {
    sleeper.kill("SIGKILL");
    Bun.spawnSync(["sh", "-c", `sleep 0.1; rmdir ${dirs.join(" ")}`]);
  }
});

needs("cgroup in use", "cgroup v1")("a container on another's cgroup is refused, and the other goes on", () => {
  const first = running();
  const outcome = run("true", (config) => {
    config.linux.cgroupsPath = first.config.linux.cgroupsPath;
    // Without a pid namespace of its own, a container's cgroup is killed when it comes to nothing.
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
  });
  expect(complaint(outcome)).toMatch(/container's cgroup is not empty: 1 process\(es\) found/);
  expect(state(first.id).status).toBe("running");
  expect(existsSync(fileOf(first.id, "pids", "pids.max"))).toBe(true);
});

needs("cgroup in use", "cgroup v1")("a frozen cgroup is refused, and left as it is", () => {
  const of = bundle("true");
  const freezer = `/sys/fs/cgroup/freezer${of.config.linux.cgroupsPath}`;
  mkdirSync(freezer);
  writeFileSync(`${freezer}/freezer.state`, "FROZEN");
  try {
    for (let round = 0; round < 2; round++) {
      expect(complaint(runBundle(of))).toContain("container's cgroup unexpectedly frozen");
    }
  } finally {
    rmdirSync(freezer);
  }
});

const canMknod = (config: Config) => grant(config, "CAP_MKNOD");
const open = (script: string) => `(${script}) 2>&1 && echo opened || true`;

test("devices that no rule allows can't be opened", () => {
  expect(prints(open("mknod /tmp/d b 7 0; cat /tmp/d >/dev/null"), canMknod)).toMatch(/Operation not permitted/);
});

needs("root")("a device that a rule allows can be opened", () => {
  const seen = prints(open("mknod /tmp/d c 1 11 && exec 3>/tmp/d"), (config) => {
    canMknod(config);
    config.linux.resources = {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 1, minor: 11, access: "rwm" },
      ],
    };
  });
  expect(seen).toBe("opened");
});

test("the default devices can be opened whatever the rules are", () => {
  expect(prints("for d in null zero full random urandom; do head -c1 /dev/$d >/dev/null && echo ok; done")).toBe(
    "ok\nok\nok\nok\nok",
  );
});

test("processes beyond the limit can't be made", () => {
  const outcome = run("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done 2>&1", resources("pids/limit", 4));
  expect(outcome.stdout).toMatch(/can't fork|Resource temporarily unavailable/);
});

test("a container may have 512 KiB of memory", () => {
  const outcome = run("", (config) => {
    put(config, "/linux/resources/memory", { limit: 512 << 10 });
    config.process.args = ["/bin/echo", "ran"];
  });
  expect(outcome.hung).toBe(false);
  if (outcome.code === 0) expect(outcome.stdout).toBe("ran\n");
  else expect(outcome.stderr + outcome.stdout).not.toBe("");
});

needs("tiny memory limits")("the runtime itself doesn't count against the container's memory", () => {
  const seen = prints("", (config) => {
    put(config, "/linux/resources/memory", { limit: 512 << 10 });
    config.process.args = ["/bin/echo", "ran"];
  });
  expect(seen).toBe("ran");
});

const invalid: [name: string, edit: Edit, pointer: string][] = [
  ["a memory limit that the kernel can't keep", resources("memory/limit", 1), "/linux/resources/memory/limit"],
  ["cpus that don't exist", resources("cpu/cpus", "999"), "/linux/resources/cpu/cpus"],
  ["cpus that aren't a list", resources("cpu/cpus", "0-"), "/linux/resources/cpu/cpus"],
  [
    "a swap limit below the memory limit",
    resources("memory", { limit: 64 << 20, swap: 32 << 20 }),
    "/linux/resources/memory/swap",
  ],
  ["swappiness above 100", resources("memory/swappiness", 101), "/linux/resources/memory/swappiness"],
  ["unified on cgroup v1", resources("unified", { "memory.high": "1000000" }), "/linux/resources/unified"],
  [
    "a huge page size that is a path",
    resources("hugepageLimits", [{ pageSize: "../../x", limit: 1 }]),
    "/linux/resources/hugepageLimits/0/pageSize",
  ],
  ["a device rule without access", resources("devices", [{ allow: true }]), "/linux/resources/devices/0"],
  [
    "a device rule of an unknown type",
    resources("devices", [{ allow: true, type: "z", access: "r" }]),
    "/linux/resources/devices/0/type",
  ],
];

for (const [name, edit, pointer] of invalid) {
  onV1(`${name} fails, and nothing is left`, () => {
    const outcome = run("echo ran", edit);
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).not.toBe("");
  });
  needs("json pointers", "cgroup v1")(`${name} is told with its place`, () =>
    expect(run("true", edit).stderr).toContain(pointer),
  );
}

needs("stricter than runc")("a cgroupsPath that is the root of the hierarchy is refused", () => {
  for (const path of ["/", "//", "/."]) {
    expect(
      run("true", (config) => {
        config.linux.cgroupsPath = path;
      }).code,
    ).toBe(1);
  }
});
