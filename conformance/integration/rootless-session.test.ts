/** Rootless containers of a user who has what a login gives: subordinate ids, a session of systemd's, a delegated cgroup. */
import { afterAll, expect } from "bun:test";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./bundle.ts";
import { bySystemd, globalOptions } from "./cgroup-location.ts";
import { containers, succeeded, until } from "./harness.ts";
import { call, complaint, type Outcome, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, env, runtime } = containers("session");

/** Who has the session, and /etc/subuid's usual range. */
const user = 1000;
const firstSubordinate = 100_000;
const session = `/run/user/${user}`;
const home = join(base, "user");
mkdirSync(home);
chownSync(home, user, user);

const inSession = needs("user session", "cgroup v2");
const sessionEnv = {
  ...env,
  HOME: home,
  XDG_RUNTIME_DIR: session,
  DBUS_SESSION_BUS_ADDRESS: `unix:path=${session}/bus`,
};
const asUser = ["setpriv", "--reuid", `${user}`, "--regid", `${user}`, "--clear-groups"];
/** In a cgroup that the user may divide: what a person does, or podman for a person. */
const delegated = [...asUser, "systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes", "--"];

const as = (through: readonly string[], ...args: string[]): Outcome =>
  runtime(["--root", join(home, "root"), ...args], { through, env: sessionEnv });

const oneId = { containerID: 0, hostID: user, size: 1 };
const manyIds = [oneId, { containerID: 1, hostID: firstSubordinate, size: 65_535 }];

const rootless: Edit = (config) => {
  config.linux.namespaces = ["pid", "ipc", "uts", "mount", "user", "cgroup"].map((type) => ({ type }));
  config.linux.uidMappings = manyIds;
  config.linux.gidMappings = manyIds;
  config.linux.resources = undefined;
  config.linux.cgroupsPath = undefined;
  config.mounts = config.mounts.filter((mount) => mount.destination !== "/sys");
};

function make(script: string, edit?: Edit) {
  const of = bundle(script, (config) => {
    rootless(config);
    edit?.(config);
  });
  Bun.spawnSync(["chown", "-R", `${user}:${user}`, of.dir]);
  return of;
}

function run(script: string, edit?: Edit, through = asUser): Outcome {
  const of = make(script, edit);
  return as(through, "run", "--bundle", of.dir, of.id);
}

/** Started where it may have limits, with a program that stays; its cgroup as a directory. */
function running(edit?: Edit) {
  const of = make("sleep 1000", edit);
  succeeded(as(delegated, "run", "--detach", "--bundle", of.dir, of.id));
  const { pid } = JSON.parse(succeeded(as(asUser, "state", of.id)).stdout) as { pid: number };
  const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().slice("0::".length);
  return { ...of, pid, cgroup: join("/sys/fs/cgroup", cgroup) };
}

const limited: Edit = (config) => {
  config.linux.resources = { memory: { limit: 32 << 20 }, pids: { limit: 44 } };
};

inSession("all of a user's ids are mapped, by newuidmap and newgidmap", () => {
  const seen = succeeded(run("cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups")).stdout;
  const map = [0, user, 1, 1, firstSubordinate, 65_535];
  expect(seen.trim().split(/\s+/)).toEqual([...map, ...map, "allow"].map(String));
});

inSession("another user of the container is a subordinate id, and has no other groups", () => {
  const of = make("id -u; id -G; touch /tmp/made", (config) => {
    config.process.user = { uid: 5, gid: 6 };
  });
  expect(succeeded(as(asUser, "run", "--bundle", of.dir, of.id)).stdout).toBe("5\n6\n");
  expect(statSync(join(of.rootfs, "tmp/made"))).toMatchObject({ uid: firstSubordinate + 4, gid: firstSubordinate + 5 });
});

inSession("ids that the user was not granted are refused by newuidmap, and that is told", () => {
  const outcome = run("echo ran", (config) => {
    config.linux.uidMappings = [oneId, { containerID: 1, hostID: 400_000, size: 10 }];
  });
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toMatch(/newuidmap failed.*\/linux\/uidMappings/);
});

inSession("without newuidmap in PATH a single id still can be mapped, and more are refused by its name", () => {
  const without = (edit: Edit) => {
    const of = make("id -u", edit);
    return runtime(["--root", join(home, "root"), "run", "--bundle", of.dir, of.id], {
      through: ["/usr/bin/setpriv", ...asUser.slice(1)],
      env: { ...sessionEnv, PATH: "/nowhere" },
    });
  };
  expect(complaint(without(() => {}))).toMatch(/new[ug]idmap is not in PATH/);
  const alone: Edit = (config) => {
    config.linux.uidMappings = [oneId];
    config.linux.gidMappings = [oneId];
  };
  expect(succeeded(without(alone)).stdout).toBe("0\n");
});

inSession("where no cgroup is delegated a container without limits runs in its caller's", () => {
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const edit: Edit = (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "cgroup");
  };
  if (!bySystemd) expect(succeeded(run("cat /proc/self/cgroup", edit)).stdout).toBe(own);
});

const cgroupfs = needs("user session", "cgroup v2", "cgroupfs driver");

cgroupfs("where no cgroup is delegated, limits and a path are refused", () => {
  const outcome = run("echo ran", limited);
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toMatch(
    /rootless needs no limits \+ no cgrouppath when no permission is granted for cgroups/,
  );
  const elsewhere = run("echo ran", (config) => {
    config.linux.cgroupsPath = `/${home.split("/").at(-2)}-elsewhere`;
  });
  expect(elsewhere).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(elsewhere)).toMatch(/cannot make the cgroup.*\/linux\/cgroupsPath/);
});

/** Both cgroups are the user's, what is above both is not: nobody may move a process from one to the other. */
cgroupfs("a cgroup that was made and can't be entered is refused, and taken away", () => {
  const name = `${home.split("/").at(-2)}-unreachable`;
  const group = `/user.slice/user-${user}.slice/user@${user}.service/${name}`;
  const outcome = run("echo ran", (config) => {
    limited(config);
    config.linux.cgroupsPath = group;
  });
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toMatch(/failed to move into the container's cgroup.*EACCES/);
  expect(existsSync(join("/sys/fs/cgroup", group))).toBe(false);
});

inSession("in a delegated cgroup limits are in force, updated and removed", async () => {
  const { id, cgroup } = running(limited);
  const read = (file: string) => readFileSync(join(cgroup, file), "utf8").trim();
  expect(cgroup).toContain(`/user@${user}.service/`);
  expect([read("memory.max"), read("pids.max")]).toEqual([`${32 << 20}`, "44"]);
  succeeded(as(asUser, "update", "--memory", "48M", "--pids-limit", "45", id));
  expect([read("memory.max"), read("pids.max")]).toEqual([`${48 << 20}`, "45"]);
  succeeded(as(asUser, "pause", id));
  expect(read("cgroup.events")).toContain("frozen 1");
  succeeded(as(asUser, "resume", id));
  expect(read("cgroup.events")).toContain("frozen 0");
  const { data } = JSON.parse(succeeded(as(asUser, "events", "--stats", id)).stdout) as {
    data: { pids: { limit: number } };
  };
  expect(data.pids.limit).toBe(45);
  succeeded(as(asUser, "delete", "--force", id));
  await until("the cgroup to be gone", () => !existsSync(cgroup));
});

inSession("exec joins the container's cgroup", () => {
  const { id } = running(limited);
  const seen = succeeded(as(delegated, "exec", id, "cat", "/proc/self/cgroup")).stdout;
  expect(seen).toBe("0::/\n");
  succeeded(as(asUser, "delete", "--force", id));
});

inSession("in a cgroup that may be written the container divides its own", () => {
  const script = "mkdir /sys/fs/cgroup/sub && echo $$ >/sys/fs/cgroup/sub/cgroup.procs && cat /proc/self/cgroup";
  const outcome = run(
    script,
    (config) => {
      config.mounts.push({ destination: "/sys", type: "none", source: "/sys", options: ["rbind", "ro"] });
      config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid"] });
    },
    delegated,
  );
  expect(succeeded(outcome).stdout).toBe("0::/sub\n");
});

const defaultRoot = `${session}/runc`;

inSession("without --root the state is in XDG_RUNTIME_DIR, and nobody else's", () => {
  const of = make("sleep 1000");
  const direct = (...args: string[]) =>
    call([...asUser, runtimePath, ...globalOptions, ...args], join(base, args[0]!), { env: sessionEnv });
  succeeded(direct("run", "--detach", "--bundle", of.dir, of.id));
  expect(existsSync(join(defaultRoot, of.id, "state.json"))).toBe(true);
  expect(statSync(defaultRoot)).toMatchObject({ uid: user });
  expect(statSync(defaultRoot).mode & 0o077).toBe(0);
  expect(succeeded(direct("list", "-q")).stdout).toContain(of.id);
  succeeded(direct("delete", "--force", of.id));
  expect(existsSync(join(defaultRoot, of.id))).toBe(false);
});
afterAll(() => rmSync(defaultRoot, { recursive: true, force: true }));

inSession("what spec --rootless writes runs as it is", () => {
  const of = make("true");
  rmSync(join(of.dir, "config.json"));
  succeeded(
    call([...asUser, runtimePath, "spec", "--rootless", "--bundle", of.dir], join(base, "spec"), { env: sessionEnv }),
  );
  const config = JSON.parse(readFileSync(join(of.dir, "config.json"), "utf8")) as {
    process: { terminal: boolean; args: string[] };
  };
  config.process.terminal = false;
  config.process.args = ["sh", "-c", "id -u; ls /sys/class/net/lo >/dev/null && echo sys"];
  writeFileSync(join(of.dir, "config.json"), JSON.stringify(config));
  expect(succeeded(as(asUser, "run", "--bundle", of.dir, of.id)).stdout).toBe("0\nsys\n");
});
