import { expect } from "bun:test";
import { chownSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint, type Outcome, call as runCommand, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, env, runtime } = containers("rootless");
const withUsers = needs("user namespaces");

/** nobody of most systems: has no subordinate ids, so that only itself can be mapped. */
const user = 65_534;
const home = join(base, "nobody");
mkdirSync(home);
chownSync(home, user, user);

/** As `spec --rootless` has it: the caller is root inside, the network and /sys are the caller's. */
const rootless: Edit = (config) => {
  config.linux.namespaces = ["pid", "ipc", "uts", "mount", "user"].map((type) => ({ type }));
  config.linux.uidMappings = [{ containerID: 0, hostID: user, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: user, size: 1 }];
  config.linux.resources = undefined;
  config.linux.cgroupsPath = undefined;
  config.mounts = config.mounts.filter((mount) => mount.destination !== "/sys");
  config.mounts.push({
    destination: "/sys",
    type: "none",
    source: "/sys",
    options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
  });
};

const asNobody = ["setpriv", "--reuid", `${user}`, "--regid", `${user}`, "--clear-groups"];

/** Runs the runtime as the user, with a --root of its own. */
function call(args: readonly string[]): Outcome {
  return runtime(["--root", join(home, "root"), ...args], {
    through: asNobody,
    env: { ...env, XDG_RUNTIME_DIR: home, HOME: home },
  });
}

function make(script: string, edit?: Edit) {
  const of = bundle(script, (config) => {
    rootless(config);
    edit?.(config);
  });
  Bun.spawnSync(["chown", "-R", `${user}:${user}`, of.dir]);
  return of;
}

function run(script: string, edit?: Edit): Outcome {
  const of = make(script, edit);
  return call(["run", "--bundle", of.dir, of.id]);
}

withUsers("an ordinary user runs a container, and is root inside", () => {
  expect(succeeded(run("id -u; id -g; hostname; cat /proc/self/uid_map")).stdout.trim().split(/\s+/)).toEqual([
    "0",
    "0",
    "box",
    "0",
    `${user}`,
    "1",
  ]);
});

withUsers("a user namespace that denies groups can be joined", () => {
  const first = make("sleep 100");
  succeeded(call(["create", "--bundle", first.dir, first.id]));
  const { pid } = JSON.parse(succeeded(call(["state", first.id])).stdout) as { pid: number };
  const second = make("id -u; exec sleep 100", (config) => {
    config.linux.namespaces = ["ipc", "uts", "mount"].map((type) => ({ type }));
    for (const type of ["user", "pid"]) config.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${type}` });
    config.linux.uidMappings = config.linux.gidMappings = undefined;
  });
  succeeded(call(["run", "-d", "--bundle", second.dir, second.id]));
  expect(succeeded(call(["exec", second.id, "id", "-u"])).stdout).toBe("0\n");
  succeeded(call(["delete", "--force", second.id]));
  succeeded(call(["delete", "--force", first.id]));
});

/** As under rootless Podman: root of a namespace that the engine made, and the container makes none. */
withUsers("root of another user namespace may not make cgroups either, and runs a container", () => {
  const of = make("id -u; cat /proc/self/uid_map; cat /proc/self/cgroup", (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
    config.linux.uidMappings = undefined;
    config.linux.gidMappings = undefined;
  });
  const outcome = runtime(["--root", join(home, "root"), "run", "--bundle", of.dir, of.id], {
    through: [...asNobody, "unshare", "--user", "--map-root-user"],
    env: { ...env, XDG_RUNTIME_DIR: home, HOME: home },
  });
  const [uid, map] = succeeded(outcome).stdout.split("\n");
  expect([uid, map?.trim().split(/\s+/)]).toEqual(["0", ["0", `${user}`, "1"]]);
});

withUsers("what is made inside belongs to the user", () => {
  const outcome = run("touch /made; stat -c %u /made; mkdir /dev/shm/x && echo ok");
  expect(succeeded(outcome).stdout).toBe("0\nok\n");
});

withUsers("the default devices work", () => {
  expect(succeeded(run("echo x >/dev/null; head -c 2 /dev/zero | wc -c")).stdout).toBe("2\n");
});

withUsers("groups can't be changed in the container", () => {
  expect(succeeded(run("cat /proc/self/setgroups")).stdout).toBe("deny\n");
});

withUsers("the life of a container works without root", () => {
  const of = make("sleep 1000");
  succeeded(call(["create", "--bundle", of.dir, of.id]));
  succeeded(call(["start", of.id]));
  expect(JSON.parse(call(["state", of.id]).stdout)).toMatchObject({ status: "running" });
  succeeded(call(["kill", of.id, "KILL"]));
  for (let tries = 0; tries < 100 && !call(["state", of.id]).stdout.includes("stopped"); tries++) Bun.sleepSync(10);
  succeeded(call(["delete", of.id]));
});

needs("user namespaces", "exec command")("exec works without root", () => {
  const of = make("sleep 1000");
  succeeded(call(["create", "--bundle", of.dir, of.id]));
  succeeded(call(["start", of.id]));
  const { pid } = JSON.parse(call(["state", of.id]).stdout) as { pid: number };
  const inside = succeeded(call(["exec", of.id, "readlink", "/proc/self/ns/user"])).stdout.trim();
  expect(inside).toBe(readlinkSync(`/proc/${pid}/ns/user`));
  succeeded(call(["delete", "--force", of.id]));
});

withUsers("a seccomp profile works without XDG_RUNTIME_DIR, too", () => {
  const of = make("mkdir /tmp/x", (config) => {
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
    };
  });

  const outcome = runtime(["--root", join(home, "root"), "run", "--bundle", of.dir, of.id], {
    through: asNobody,
    env: { HOME: home },
  });
  expect(outcome.stderr).not.toContain("cannot be loaded");
  expect(outcome.stderr).toMatch(/mkdir: .*Operation not permitted/);
});

withUsers("a failing create leaves nothing", () => {
  const outcome = run("true", (config) => {
    config.process.args = ["/nope"];
  });
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toMatch(/no such file or directory/);
});

/** There is no XDG_RUNTIME_DIR to keep anything in. */
withUsers("a seccomp profile is loaded, also for a user without a directory for what is kept", () => {
  const of = make("mkdir /made 2>&1; hostname", (config) => {
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
    };
  });
  const outcome = runtime(["--root", join(home, "root"), "run", "--bundle", of.dir, of.id], { through: asNobody, env });
  expect(succeeded(outcome).stdout).toBe("mkdir: can't create directory '/made': Operation not permitted\nbox\n");
});

withUsers("a tmpfs starts with what it covers, the user's", () => {
  const of = make("cat /m/a/b; stat -c %a:%u /m/a; echo new >/m/new", (config) => {
    config.mounts.push({ destination: "/m", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
  });
  mkdirSync(join(of.rootfs, "m/a"), { recursive: true, mode: 0o750 });
  writeFileSync(join(of.rootfs, "m/a/b"), "copied\n");
  Bun.spawnSync(["chown", "-R", `${user}:${user}`, of.dir]);
  expect(succeeded(call(["run", "--bundle", of.dir, of.id])).stdout).toBe("copied\n750:0\n");
});

withUsers("what needs a cgroup is refused by name where the container has none", () => {
  const of = make("sleep 1000");
  succeeded(call(["run", "--detach", "--bundle", of.dir, of.id]));
  const told: [args: string[], code: number, words: RegExp][] = [
    [["pause", of.id], 1, /cannot toggle freezer: cgroups not configured for container/],
    [["ps", of.id], 1, /unable to get all container pids/],
    [
      ["update", "--pids-limit", "9", of.id],
      1,
      /cannot set (pids|cgroup) limit: container could not join or create cgroup/,
    ],
    [["exec", "--cgroup", "below", of.id, "true"], 255, /the container has no cgroup of its own.*--cgroup/],
    [["checkpoint", of.id], 1, /./],
  ];
  for (const [args, code, words] of told) {
    const outcome = call(args);
    expect([args[0], outcome.code, complaint(outcome)]).toEqual([args[0], code, expect.stringMatching(words)]);
  }
  expect(JSON.parse(call(["state", of.id]).stdout)).toMatchObject({ status: "running" });
  succeeded(call(["delete", "--force", of.id]));
});

withUsers("without cgroup and pid namespace it is said that processes may be left, and kill ends init", async () => {
  const of = make("sleep 1000", (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
    config.mounts[0] = { destination: "/proc", type: "none", source: "/proc", options: ["rbind"] };
  });
  const created = succeeded(call(["create", "--bundle", of.dir, of.id]));
  expect(created.stderr).toMatch(/Creating a rootless container with no cgroup and no private pid namespace/);
  succeeded(call(["start", of.id]));
  const killed = succeeded(call(["kill", of.id, "KILL"]));
  expect(killed.stderr).toMatch(/failed to kill all processes.*Hint: enable cgroup v2 delegation/);
  await until("the end", () => call(["state", of.id]).stdout.includes("stopped"));
  succeeded(call(["delete", of.id]));
});

withUsers("list tells whose a container is", () => {
  const of = make("sleep 1000");
  succeeded(call(["create", "--bundle", of.dir, of.id]));
  const [container] = JSON.parse(succeeded(call(["list", "--format", "json"])).stdout) as { owner: string }[];
  expect(container).toMatchObject({ id: of.id, owner: "nobody" });
  succeeded(call(["delete", "--force", of.id]));
});

withUsers("the default place of the state is in XDG_RUNTIME_DIR, kept from others and from cleaners", () => {
  const place = join(home, "xdg");
  mkdirSync(place);
  chownSync(place, user, user);
  const of = make("sleep 1000");
  const direct = (...args: string[]) =>
    runCommand([...asNobody, runtimePath, ...args], join(base, "direct"), {
      env: { ...env, XDG_RUNTIME_DIR: place, HOME: home },
    });
  succeeded(direct("create", "--bundle", of.dir, of.id));
  expect(statSync(join(place, "runc"))).toMatchObject({ uid: user });
  expect(statSync(join(place, "runc")).mode & 0o7777).toBe(0o1700);
  succeeded(direct("delete", "--force", of.id));
  expect(readdirSync(join(place, "runc"))).toEqual([]);
});

const refusals: [name: string, edit: Edit, words: RegExp][] = [
  [
    "no user namespace",
    (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "user");
      config.linux.uidMappings = undefined;
      config.linux.gidMappings = undefined;
    },
    /user namespace/i,
  ],
  [
    "a mapping of ids that aren't the user's",
    (config) => {
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    },
    /./,
  ],
  [
    "additional groups",
    (config) => {
      config.process.user.additionalGids = [7];
    },
    /./,
  ],
  [
    "an additional group that is mapped",
    (config) => {
      config.process.user.additionalGids = [0];
    },
    /cannot set any additional groups in a rootless container.*\/process\/user\/additionalGids/,
  ],
  [
    "a file system of a group that isn't mapped",
    (config) => {
      config.mounts.find(({ type }) => type === "devpts")!.options!.push("gid=5");
    },
    /cannot specify gid=5 mount option for rootless container: .*\/mounts\/2\/options\/\d/,
  ],
  [
    "a mount with mapped ids",
    (config) => {
      const mappings = [{ containerID: 0, hostID: user, size: 1 }];
      const mount = { source: home, options: ["bind"], uidMappings: mappings, gidMappings: mappings };
      config.mounts.push({ destination: "/m", ...mount });
    },
    /id-mapped mounts are not supported for rootless containers.*\/mounts\/\d+\/uidMappings/,
  ],
  [
    "a limit of open files above the user's",
    (config) => {
      config.process.rlimits = [{ type: "RLIMIT_NOFILE", hard: 2 ** 40, soft: 1024 }];
    },
    /unable to set rlimits.*EPERM.*\/process\/rlimits/,
  ],
  [
    "an out-of-memory score below the user's",
    (config) => {
      config.process.oomScoreAdj = -900;
    },
    /oom_score_adj.*EACCES.*\/process\/oomScoreAdj/,
  ],
];

for (const [name, edit, words] of refusals) {
  withUsers(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(words);
  });
}
