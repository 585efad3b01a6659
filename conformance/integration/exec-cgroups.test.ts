import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { put } from "./bundle.ts";
import { cgroupOf } from "./cgroup-location.ts";
import { type Bundle, containers, succeeded } from "./harness.ts";
import { complaint, type Outcome, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, root, running, runtime, state } = containers("exec-cgroup");
const test = needs("exec command");
const onV1 = needs("exec command", "cgroup v1");

/** The container's directories, as its init has them: hierarchy → absolute path. */
function directories(of: Bundle): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")
    .trim()
    .split("\n")) {
    const [, controllers, path] = line.split(":") as [string, string, string];
    const name = controllers === "" ? "unified" : controllers.replace("name=", "");
    const directory = join("/sys/fs/cgroup", existsSync("/sys/fs/cgroup/cgroup.controllers") ? "" : name, path);
    if (path.includes(of.id) && existsSync(directory)) found.set(controllers, directory);
  }
  return found;
}

/** Makes cgroups below the container's for as long as `use` takes. */
function withSubCgroups(of: Bundle, name: string, use: (made: string[]) => void): void {
  const made = [...directories(of).values()].map((directory) => join(directory, name));
  for (const directory of made) {
    mkdirSync(directory);
    // A cpuset takes no process before it has CPUs and memory.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const own = join(directory, file);
      if (existsSync(own)) writeFileSync(own, readFileSync(join(dirname(directory), file), "utf8"));
    }
  }
  try {
    use(made);
  } finally {
    for (const directory of made) rmdirSync(directory);
  }
}

const inCgroup = (of: Bundle, ...flags: string[]): Outcome =>
  runtime(["exec", ...flags, of.id, "cat", "/proc/self/cgroup"]);

test("the process is where init is, in every hierarchy", () => {
  const of = running();
  expect(succeeded(inCgroup(of)).stdout).toBe(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8"));
});

test("--cgroup with a path: there in every hierarchy", () => {
  const of = running();
  withSubCgroups(of, "inner", () => {
    const lines = succeeded(inCgroup(of, "--cgroup", "inner"))
      .stdout.trim()
      .split("\n");
    const ours = lines.filter((line) => line.includes(of.id));
    expect(ours.length).toBe(directories(of).size);
    for (const line of ours) expect(line).toEndWith(`${cgroupOf(of.id)}/inner`);
  });
});

onV1("--cgroup with controllers: there in theirs, with init in the others", () => {
  const of = running();
  withSubCgroups(of, "inner", () => {
    const lines = succeeded(inCgroup(of, "--cgroup", "pids,memory:inner"))
      .stdout.trim()
      .split("\n");
    for (const line of lines.filter((one) => one.includes(of.id))) {
      const inner = /^\d+:(pids|memory):/.test(line);
      expect(line.endsWith(`/${of.id}/inner`)).toBe(inner);
    }
  });
});

test("--cgroup / is the container's own", () => {
  const of = running();
  expect(succeeded(inCgroup(of, "--cgroup", "/")).stdout).toBe(
    readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8"),
  );
});

const refused: [name: string, flags: string[], words: RegExp][] = [
  ["a path that leads out", ["--cgroup", "../.."], /bad sub cgroup path/],
  ["a path that leads out on the way", ["--cgroup", "a/../../b"], /bad sub cgroup path/],
  ["a cgroup that isn't there", ["--cgroup", "nope"], /no such file or directory/],
  ["two paths", ["--cgroup", "a", "--cgroup", "b"], /invalid --cgroup argument: . \(missing <controller>: prefix\)/],
  ["no controller", ["--cgroup", ":a"], /invalid --cgroup argument: :a \(empty <controller> prefix\)/],
  [
    "a controller twice",
    ["--cgroup", "pids:a", "--cgroup", "pids:b"],
    /invalid --cgroup argument\(s\): controller pids specified multiple times/,
  ],
];

for (const [name, flags, words] of refused) {
  test(`--cgroup with ${name} is refused, and nothing runs`, () => {
    const outcome = runtime(["exec", ...flags, running().id, "echo", "ran"]);
    expect(outcome).toMatchObject({ code: 255, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(words);
  });
}

onV1("--cgroup with a controller that isn't there is refused", () => {
  const outcome = runtime(["exec", "--cgroup", "nope:a", running().id, "echo", "ran"]);
  expect(outcome).toMatchObject({ code: 255, stdout: "" });
  expect(complaint(outcome)).toContain("unknown controller nope in SubCgroupPaths");
});

needs("exec command", "component-wise --cgroup")("--cgroup with a sibling whose name begins alike is refused", () => {
  const of = running();
  const siblings = [...directories(of).values()].map((directory) => `${directory}x`);
  for (const directory of siblings) mkdirSync(directory);
  try {
    const outcome = runtime(["exec", "--cgroup", `../${of.id}x`, of.id, "echo", "ran"]);
    expect(outcome).toMatchObject({ code: 255, stdout: "" });
    expect(complaint(outcome)).toContain("bad sub cgroup path");
  } finally {
    for (const directory of siblings) rmdirSync(directory);
  }
});

needs("root")("a container that has as many processes as it may have can be looked into all the same", () => {
  const of = running((config) => put(config, "/linux/resources/pids", { limit: 1 }));
  const outcome = inCgroup(of);
  expect(succeeded(outcome).stdout).toBe(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8"));
});

/**
 * Calls a shell script in a mount namespace in which /sys/fs/cgroup is the machine's cgroup2 and nothing else, as on a host
 * with cgroup v2. Its controllers are those that v1 has left over.
 */
function onV2(script: string): Outcome {
  const prepare =
    "mount --make-rprivate / && mount --bind /sys/fs/cgroup/unified /mnt && umount -R /sys/fs/cgroup && " +
    "mount --move /mnt /sys/fs/cgroup || exit 99; ";
  const path = join(base, "v2.sh");
  writeFileSync(path, `${prepare}\n${script}`);
  const run = Bun.spawnSync(["unshare", "--mount", "sh", path, runtimePath, "--root", root], { timeout: 10_000 });
  return {
    code: run.exitCode ?? undefined,
    stdout: run.stdout.toString(),
    stderr: run.stderr.toString(),
    hung: run.exitedDueToTimeout === true,
  };
}

const v2 = needs("exec command", "hybrid cgroups");

/** Runs a container there, then the script, and deletes the container, whose state only that mount namespace makes sense of. */
function inV2Container(of: Bundle, script: string): Outcome {
  return onV2(
    `"$@" run -d -b ${of.dir} ${of.id} </dev/null >/dev/null 2>&1 || exit 98\n` +
      `( ${script} )\nstatus=$?\n"$@" delete --force ${of.id}\nrmdir ${v2Directory(of)}-moved 2>/dev/null\nexit $status`,
  );
}

const v2Directory = (of: Bundle) => `/sys/fs/cgroup/${of.id}`;

v2("with cgroup2 alone the process is born where init is", () => {
  const of = bundle("sleep 1000");
  const outcome = inV2Container(of, `"$@" exec ${of.id} cat /proc/self/cgroup`);
  expect(succeeded(outcome).stdout).toContain(`0::/${of.id}\n`);
});

v2("with cgroup2 alone and --cgroup the process is born there", () => {
  const of = bundle("sleep 1000");
  const inner = `${v2Directory(of)}/inner`;
  const outcome = inV2Container(
    of,
    `mkdir ${inner} && "$@" exec --cgroup inner ${of.id} cat /proc/self/cgroup; s=$?; rmdir ${inner}; exit $s`,
  );
  expect(succeeded(outcome).stdout).toContain(`0::/${of.id}/inner\n`);
});

v2("with cgroup2 alone, and init moved to another cgroup, the process goes there too", () => {
  const of = bundle("sleep 1000");
  const moved = `${v2Directory(of)}-moved`;
  const outcome = inV2Container(
    of,
    `mkdir ${moved} && cat ${v2Directory(of)}/cgroup.procs >${base}/init && cat ${base}/init >${moved}/cgroup.procs && ` +
      `rmdir ${v2Directory(of)} && "$@" exec ${of.id} cat /proc/self/cgroup && "$@" kill ${of.id} KILL`,
  );
  expect(succeeded(outcome).stdout).toContain(`0::/${of.id}-moved\n`);
});
