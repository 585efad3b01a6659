import { expect } from "bun:test";
import { chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, beside, bundle, runtime, state, tag } = containers("systemd");

const SYSTEMD = ["--systemd-cgroup"];
const slice = `system-${tag.replaceAll("-", "")}.slice`;

const inUnit =
  (name: string, edit?: (config: Config) => void) =>
  (config: Config): void => {
    config.linux.cgroupsPath = `${slice}:${tag}:${name}`;
    edit?.(config);
  };

/** Started, with a program that stays. */
function running(name: string, edit?: (config: Config) => void) {
  const of = bundle("sleep 1000", inUnit(name, edit));
  succeeded(runtime([...SYSTEMD, "run", "--detach", "--bundle", of.dir, of.id]));
  return { ...of, unit: `${tag}-${name}.scope` };
}

/** One property of a unit, as systemd shows it. */
function property(unit: string, name: string): string {
  return Bun.spawnSync(["systemctl", "show", "--value", "-p", name, unit]).stdout.toString().trim();
}

function cgroupOf(id: string): string {
  const lines = readFileSync(`/proc/${state(id).pid}/cgroup`, "utf8")
    .trim()
    .split("\n");
  return lines.find((line) => line.startsWith("0::"))!.slice(3);
}

const file = (id: string, name: string) => readFileSync(join("/sys/fs/cgroup", cgroupOf(id), name), "utf8").trim();
const isGone = (unit: string) => property(unit, "LoadState") === "not-found";

needs("systemd", "cgroup v2")("a container is a scope of its slice, with runc's description", () => {
  const { id, unit } = running("web");
  expect(property(unit, "ActiveState")).toBe("active");
  expect(property(unit, "Slice")).toBe(slice);
  expect(property(unit, "Description")).toBe("libcontainer container web");
  expect(property(unit, "Delegate")).toBe("yes");
  expect(cgroupOf(id)).toBe(`/system.slice/${slice}/${unit}`);
  const status = Bun.spawnSync(["systemctl", "status", "--no-pager", unit]).stdout.toString();
  expect(status).toContain("libcontainer container web");
  expect(status).toContain(`${slice}/${unit}`);
});

needs("systemd", "cgroup v2")("a controller that systemd does not know is there, too", () => {
  const { id } = running("huge", (config) => {
    config.linux.resources = { ...config.linux.resources, hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }] };
  });
  expect(file(id, "hugetlb.2MB.max")).toBe(`${4 << 20}`);
});

needs("systemd", "cgroup v2")("without a path it is runc-ID.scope in system.slice", () => {
  const of = bundle("sleep 1000", (config) => {
    delete config.linux.cgroupsPath;
  });
  succeeded(runtime([...SYSTEMD, "run", "--detach", "--bundle", of.dir, of.id]));
  expect(cgroupOf(of.id)).toBe(`/system.slice/runc-${of.id}.scope`);
});

needs("systemd", "cgroup v2")("limits are systemd's and the kernel's alike, and survive a reload", () => {
  const { id, unit } = running("limits", (config) => {
    config.linux.resources = {
      memory: { limit: 67108864, reservation: 33554432 },
      cpu: { shares: 2048, quota: 12345, period: 100000, cpus: "0", mems: "0" },
      pids: { limit: 77 },
      unified: { "memory.high": "50331648" },
    };
  });
  const all = () => ({
    MemoryMax: property(unit, "MemoryMax"),
    MemoryLow: property(unit, "MemoryLow"),
    MemoryHigh: property(unit, "MemoryHigh"),
    TasksMax: property(unit, "TasksMax"),
    quota: property(unit, "CPUQuotaPerSecUSec"),
    cpus: property(unit, "AllowedCPUs"),
    files: ["memory.max", "memory.low", "memory.high", "pids.max", "cpu.max", "cpu.weight", "cpuset.cpus"].map((name) =>
      file(id, name),
    ),
  });
  const expected = {
    MemoryMax: "67108864",
    MemoryLow: "33554432",
    MemoryHigh: "50331648",
    TasksMax: "77",
    quota: "130ms",
    cpus: "0",
    files: ["67108864", "33554432", "50331648", "77", "13000 100000", "174", "0"],
  };
  expect(all()).toEqual(expected);
  expect(Bun.spawnSync(["systemctl", "daemon-reload"]).exitCode).toBe(0);
  expect(all()).toEqual(expected);
});

needs(
  "systemd",
  "cgroup v2",
  "update command",
)("update tells systemd", () => {
  const { id, unit } = running("update");
  succeeded(runtime(["update", "--memory", "96M", "--pids-limit", "55", "--cpu-quota", "50000", id]));
  expect([property(unit, "MemoryMax"), property(unit, "TasksMax")]).toEqual([`${96 << 20}`, "55"]);
  expect(property(unit, "CPUQuotaPerSecUSec")).toBe("500ms");
  expect([file(id, "memory.max"), file(id, "pids.max")]).toEqual([`${96 << 20}`, "55"]);
});

needs("systemd", "cgroup v2")("a device that is not allowed stays forbidden after a reload", () => {
  const { id } = running("devices", (config) => {
    config.linux.devices = [{ path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 0o666 }];
    config.linux.resources = {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
      ],
    };
  });
  const look = ["exec", id, "sh", "-c", "head -c 1 /dev/zero >/dev/null && ! head -c 1 /dev/kmsg"];
  expect(runtime(look).code).toBe(0);
  expect(Bun.spawnSync(["systemctl", "daemon-reload"]).exitCode).toBe(0);
  expect(runtime(look).code).toBe(0);
});

needs("systemd", "cgroup v2")("annotations are properties of the unit", () => {
  const { unit } = running("annotated", (config) => {
    config.annotations = {
      "org.systemd.property.CollectMode": "'inactive-or-failed'",
      "org.systemd.property.TimeoutStopSec": "uint64 123",
      "org.systemd.property.Documentation": "['man:runts(8)']",
    };
  });
  expect(property(unit, "CollectMode")).toBe("inactive-or-failed");
  expect(property(unit, "TimeoutStopUSec")).toBe("2min 3s");
  expect(property(unit, "Documentation")).toContain("man:runts(8)");
});

for (const [name, value] of [
  ["NoSuchThing", "1"],
  ["ExecStopPost", "[('/bin/touch', ['touch', '/hit'], false)]"],
] as const) {
  needs("systemd", "cgroup v2")(
    `the property ${name}, which a scope doesn't have, is refused, and nothing is left`,
    () => {
      const of = bundle(
        "true",
        inUnit("unknown", (config) => {
          config.annotations = { [`org.systemd.property.${name}`]: value };
        }),
      );
      const outcome = runtime([...SYSTEMD, "run", "--bundle", of.dir, of.id]);
      expect(outcome.code).toBe(1);
      expect(complaint(outcome)).toMatch(new RegExp(`unable to start unit .*${name}`));
      expect(isGone(`${tag}-unknown.scope`)).toBe(true);
      expect(runtime(["state", of.id]).code).toBe(1);
    },
  );
}

needs("systemd", "cgroup v2")("exec'ed processes are in the unit", () => {
  const { id, unit } = running("exec");
  const pids = succeeded(runtime(["exec", id, "sh", "-c", "echo $$; grep -c . /proc/1/cgroup"])).stdout;
  expect(pids.trim().split("\n")).toHaveLength(2);
  succeeded(runtime(["exec", "--detach", id, "sleep", "1001"]));
  expect(property(unit, "TasksCurrent")).toBe("2");
});

needs("systemd", "cgroup v2")("after delete systemd has nothing of it", async () => {
  const { id, unit } = running("gone");
  succeeded(runtime(["delete", "--force", id]));
  await until("the unit to be gone", () => isGone(unit));
  expect(existsSync(`/sys/fs/cgroup/system.slice/${slice}/${unit}`)).toBe(false);
});

needs("systemd", "cgroup v2")("a program that ends takes its unit along", async () => {
  const of = bundle("true", inUnit("short"));
  succeeded(runtime([...SYSTEMD, "run", "--bundle", of.dir, of.id]));
  await until("the unit to be gone", () => isGone(`${tag}-short.scope`));
  expect(Bun.spawnSync(["systemctl", "--failed", "--no-legend"]).stdout.toString()).not.toContain(tag);
});

needs("systemd", "cgroup v2")("after kill -9 of create, delete --force leaves nothing in systemd", async () => {
  const flag = join(base, "flag");
  const of = bundle(
    "true",
    inUnit("killed", (config) => {
      config.hooks = {
        createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `echo >${flag}; exec sleep 3`] }],
      };
    }),
  );
  const creating = beside([...SYSTEMD, "create", "--bundle", of.dir, of.id]);
  await until("the hook to run", () => existsSync(flag));
  creating.kill();
  await creating.ended;
  expect(runtime(["delete", "--force", of.id])).toMatchObject({ code: 0, hung: false });
  await until("the unit to be gone", () => isGone(`${tag}-killed.scope`));
  const again = running("killed");
  expect(property(again.unit, "ActiveState")).toBe("active");
});

needs("systemd")("a path that names a directory is refused in runc's words", () => {
  const of = bundle("true", (config) => {
    config.linux.cgroupsPath = `/${tag}`;
  });
  const outcome = runtime([...SYSTEMD, "run", "--bundle", of.dir, of.id]);
  expect(outcome.code).toBe(1);
  const words = 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups';
  expect(complaint(outcome)).toContain(words);
  const lint = runtime([...SYSTEMD, "validate", of.dir]);
  expect([lint.code, lint.stdout.includes(words)]).toEqual([1, true]);
});

needs("no systemd")("without systemd the flag is refused in runc's words, and nothing is left", () => {
  const of = bundle("true", inUnit("none"));
  const outcome = runtime([...SYSTEMD, "run", "--bundle", of.dir, of.id]);
  expect(outcome.code).toBe(1);
  const words = "systemd not running on this host, cannot use systemd cgroups manager";
  expect(complaint(outcome)).toContain(words);
  expect(runtime(["state", of.id]).code).toBe(1);
  expect(complaint(runtime([...SYSTEMD, "explain", of.dir]))).toContain(words);
  expect(runtime([...SYSTEMD, "validate", of.dir]).stdout).toContain(words);
});

/** The user with a session of its own, if there is one. */
const user = 1000;
const session = `/run/user/${user}`;

needs(
  "systemd",
  "cgroup v2",
  "user session",
)("a user's container is a unit of the user's own manager", async () => {
  const home = join(base, "user");
  mkdirSync(home);
  chownSync(home, user, user);
  const of = bundle("sleep 1000", (config) => {
    config.linux.namespaces = ["pid", "ipc", "uts", "mount", "user", "cgroup"].map((type) => ({ type }));
    config.linux.uidMappings = [{ containerID: 0, hostID: user, size: 1 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: user, size: 1 }];
    config.linux.resources = { memory: { limit: 33554432 }, pids: { limit: 44 } };
    config.linux.cgroupsPath = `user-${tag.replaceAll("-", "")}.slice:${tag}:mine`;
    config.mounts = config.mounts.filter((mount) => mount.destination !== "/sys");
  });
  Bun.spawnSync(["chown", "-R", `${user}:${user}`, of.dir]);
  const env = { XDG_RUNTIME_DIR: session, HOME: home };
  const asUser = (...args: string[]) =>
    runtime(["--root", join(home, "root"), ...args], {
      through: ["setpriv", "--reuid", `${user}`, "--regid", `${user}`, "--clear-groups"],
      env,
    });
  succeeded(asUser(...SYSTEMD, "run", "--detach", "--bundle", of.dir, of.id));
  try {
    const { pid } = JSON.parse(succeeded(asUser("state", of.id)).stdout) as { pid: number };
    const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().slice(3);
    expect(cgroup).toMatch(
      new RegExp(`^/user.slice/user-${user}.slice/user@${user}.service/user.slice/.*${tag}-mine.scope$`),
    );
    expect(readFileSync(`/sys/fs/cgroup${cgroup}/memory.max`, "utf8")).toBe("33554432\n");
    expect(readFileSync(`/sys/fs/cgroup${cgroup}/pids.max`, "utf8")).toBe("44\n");
    succeeded(asUser("exec", "--detach", of.id, "sleep", "1001"));
    const inside = readFileSync(`/sys/fs/cgroup${cgroup}/cgroup.procs`, "utf8").trim().split("\n");
    expect(inside).toHaveLength(2);
    succeeded(asUser("update", "--memory", "64M", of.id));
    expect(readFileSync(`/sys/fs/cgroup${cgroup}/memory.max`, "utf8")).toBe(`${64 << 20}\n`);
  } finally {
    expect(asUser("delete", "--force", of.id).code).toBe(0);
  }
});
