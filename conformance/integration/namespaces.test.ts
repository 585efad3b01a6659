import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, withoutNamespace } from "./bundle.ts";
import { cgroupOf, cgroupsPathOf } from "./cgroup-location.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, prints, run, runBundle, running, runtime, state } = containers("namespaces");

/** The type in config.json, and the name below /proc/PID/ns. */
const types = [
  ["ipc", "ipc"],
  ["mount", "mnt"],
  ["network", "net"],
  ["pid", "pid"],
  ["uts", "uts"],
] as const;

/** Drops what can't be had without the namespace. */
function share(config: Config, type: string): void {
  withoutNamespace(config, type);
  if (type === "uts") config.hostname = undefined;
  if (type === "mount") Object.assign(config.linux, { maskedPaths: [], readonlyPaths: [] });
  if (type === "network") config.mounts = config.mounts.filter((mount) => mount.type !== "sysfs");
}

for (const [type, name] of types) {
  const link = `/proc/self/ns/${name}`;

  test(`a ${type} namespace that is listed is new`, () => {
    expect(prints(`readlink ${link}`)).not.toBe(readlinkSync(link));
  });

  if (type !== "mount") {
    test(`a ${type} namespace that isn't listed is the caller's`, () => {
      expect(prints(`readlink ${link}`, (config) => share(config, type))).toBe(readlinkSync(link));
    });
  }

  if (type !== "mount") {
    needs("root")(`a ${type} namespace with a path is joined`, () => {
      const other = running();
      const path = `/proc/${state(other.id).pid}/ns/${name}`;
      const inside = prints(`readlink ${link}`, (config) => {
        share(config, type);
        config.linux.namespaces.push({ type, path });
      });
      expect(inside).toBe(readlinkSync(path));
    });
  }
}

/** The mounts of this process at or below a directory. */
function mountsBelow(directory: string): string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return points
    .map((line) => line.split(" ")[4] ?? "")
    .filter((at) => at === directory || at.startsWith(`${directory}/`));
}

needs("root", "tidy host mounts")(
  "without a mount namespace the mounts are made in the caller's, and go with the container",
  () => {
    const of = bundle("sleep 1000", (config) => {
      share(config, "mount");
      config.root.readonly = true;
    });
    succeeded(runtime(["create", "--bundle", of.dir, of.id]));
    succeeded(runtime(["start", of.id]));
    expect(readlinkSync(`/proc/${state(of.id).pid}/ns/mnt`)).toBe(readlinkSync("/proc/self/ns/mnt"));
    expect(mountsBelow(of.rootfs)).toContain(join(of.rootfs, "proc"));
    expect(runtime(["delete", "--force", of.id]).code).toBe(0);
    expect(mountsBelow(of.rootfs)).toEqual([]);
  },
);

for (const firstGone of [0, 1, 2]) {
  needs("root", "tidy host mounts")(
    `of three containers on one directory number ${firstGone} can go without the others' mounts`,
    () => {
      const of = bundle("sleep 1000", (config) => share(config, "mount"));
      const ids = [of.id, `${of.id}b`, `${of.id}c`];
      const alive = (id: string) => readdirSync(`/proc/${state(id).pid}/root/proc`).includes("self");
      for (const id of ids) {
        writeFileSync(
          join(of.dir, "config.json"),
          JSON.stringify(of.config).replace(cgroupsPathOf(of.id)!, cgroupsPathOf(id)!),
        );
        succeeded(runtime(["run", "--detach", "--bundle", of.dir, id]));
      }
      const order = [...ids.splice(firstGone, 1), ...ids];
      for (const [index, id] of order.entries()) {
        succeeded(runtime(["delete", "--force", id]));
        for (const other of order.slice(index + 1)) expect(alive(other)).toBe(true);
      }
      expect(mountsBelow(of.rootfs)).toEqual([]);
    },
  );
}

needs("tidy host mounts")("a container without a mount namespace that can't be made leaves no mount", () => {
  const of = bundle("true", (config) => {
    share(config, "mount");
    config.mounts.push({ destination: "/m", type: "tmpfs", source: "tmpfs", options: ["sizzle=1"] });
  });
  mkdirSync(join(of.rootfs, "m"), { recursive: true });
  expect(runtime(["create", "--bundle", of.dir, of.id]).code).toBe(1);
  expect(mountsBelow(of.rootfs)).toEqual([]);
});

test("the program is process 1 of its own pid namespace, and sees no other", () => {
  expect(prints("echo $$; cd /proc; echo [0-9]*")).toBe("1\n1");
});

test("without a pid namespace the program has the caller's pids", () => {
  expect(Number(prints("echo $$", (config) => withoutNamespace(config, "pid")))).toBeGreaterThan(1);
});

needs("root")("a container in another's pid namespace sees the other's processes", () => {
  const other = running();
  const path = `/proc/${state(other.id).pid}/ns/pid`;
  const edit = (config: Config) => {
    withoutNamespace(config, "pid");
    config.linux.namespaces.push({ type: "pid", path });
  };
  expect(prints("ps -o pid,args", edit)).toMatch(/^\s*1 sleep 1000$/m);
});

test("a cgroup namespace has the container's cgroup as its root", () => {
  const lines = prints("cat /proc/self/cgroup", (config) => config.linux.namespaces.push({ type: "cgroup" })).split(
    "\n",
  );
  for (const line of lines.filter((line) => /:(memory|pids|devices):/.test(line))) expect(line).toMatch(/:\/$/);
});

needs("own cgroup")("without a cgroup namespace the cgroup path is told as the caller sees it", () => {
  const of = bundle("cat /proc/self/cgroup");
  expect(succeeded(runBundle(of)).stdout).toContain(`:${cgroupOf(of.id)}\n`);
});

test("the loopback interface of a new network namespace is up", () => {
  expect(prints("ip addr show lo")).toContain("127.0.0.1/8");
});

test("the interfaces of the host aren't there in a new network namespace", () => {
  expect(prints("ip -o link | grep -cv LOOPBACK || true; tail -n +3 /proc/net/dev | grep -c lo:").split("\n")[1]).toBe(
    "1",
  );
});

needs("time namespace")("a time namespace has the offsets that are asked for", () => {
  const seconds = Number(
    prints("cut -d. -f1 /proc/uptime", (config) => {
      config.linux.namespaces.push({ type: "time" });
      Object.assign(config.linux, { timeOffsets: { boottime: { secs: 1_000_000, nanosecs: 0 } } });
    }),
  );
  expect(seconds).toBeGreaterThanOrEqual(1_000_000);
});

const refusals: [name: string, edit: (config: Config) => void, words: RegExp][] = [
  ["an unknown type", (config) => config.linux.namespaces.push({ type: "banana" }), /banana.* does not exist/],
  ["an empty type", (config) => config.linux.namespaces.push({ type: "" }), /does not exist/],
  ["a type listed twice", (config) => config.linux.namespaces.push({ type: "pid" }), /duplicated ns/],
  [
    "a path that is missing",
    (config) => {
      config.linux.namespaces[0]!.path = "/proc/nope";
    },
    /no such file or directory/,
  ],
  [
    "a path to another type",
    (config) => {
      config.linux.namespaces[0]!.path = "/proc/self/ns/net";
    },
    /./,
  ],
  [
    "a path to a regular file",
    (config) => {
      config.linux.namespaces[0]!.path = "/etc/passwd";
    },
    /./,
  ],
  [
    "a hostname without a uts namespace",
    (config) => withoutNamespace(config, "uts"),
    /unable to set hostname without a private UTS namespace/,
  ],
  [
    "masked paths without a mount namespace",
    (config) => withoutNamespace(config, "mount"),
    /unable to restrict sys entries without a private MNT namespace/,
  ],
];

for (const [name, edit, words] of refusals) {
  test(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe("");
    expect(complaint(outcome)).toMatch(words);
  });
}
