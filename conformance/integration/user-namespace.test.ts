import { expect } from "bun:test";
import { chownSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, type IdMapping, withoutNamespace } from "./bundle.ts";
import { cgroupDirectory } from "./cgroup-location.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, create, root, run, runBundle, running, runtime, state } = containers("userns");
const withUsers = needs("user namespaces");

const host = 100_000;
const mapping = [{ containerID: 0, hostID: host, size: 65_536 }];

const mapped =
  (uids: IdMapping[] = mapping, gids: IdMapping[] = uids): Edit =>
  (config) => {
    config.linux.namespaces.push({ type: "user" });
    config.linux.uidMappings = uids;
    config.linux.gidMappings = gids;
  };

/** Runs in a user namespace whose root owns the image, and gives what was printed. */
function printsMapped(script: string, edit?: Edit, uids?: IdMapping[]): string {
  const of = bundle(script, (config) => {
    mapped(uids)(config);
    edit?.(config);
  });
  for (const dir of ["", "tmp", "etc", "dev", "proc", "sys", "root"]) chownSync(join(of.rootfs, dir), host, host);
  return succeeded(runBundle(of)).stdout.trim();
}

withUsers("the ids are mapped as the config says", () => {
  expect(
    printsMapped("cat /proc/self/uid_map /proc/self/gid_map")
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number)),
  ).toEqual([
    [0, host, 65_536],
    [0, host, 65_536],
  ]);
});

withUsers("several ranges are mapped", () => {
  const two = [
    { containerID: 0, hostID: host, size: 10 },
    { containerID: 100, hostID: host + 100, size: 5 },
  ];
  const rows = printsMapped("cat /proc/self/uid_map", undefined, two)
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  expect(rows).toEqual([
    [0, host, 10],
    [100, host + 100, 5],
  ]);
});

withUsers("the namespace is new, and owns the others", () => {
  const inside = printsMapped("readlink /proc/self/ns/user; hostname inner; hostname", (config) => {
    config.process.capabilities = {
      bounding: ["CAP_SYS_ADMIN"],
      effective: ["CAP_SYS_ADMIN"],
      permitted: ["CAP_SYS_ADMIN"],
    };
  }).split("\n");
  expect(inside[0]).not.toBe(readlinkSync("/proc/self/ns/user"));
  expect(inside[1]).toBe("inner");
});

withUsers("root inside is the mapped user outside", () => {
  const of = create("sleep 1000", mapped());
  const uids = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${state(of.id).pid}/status`, "utf8"))?.[1];
  expect(Number(uids)).toBe(host);
});

withUsers("a user inside is the mapped user outside", () => {
  const asUser: Edit = (config) => {
    config.process.user = { uid: 1000, gid: 1001, additionalGids: [7] };
  };
  expect(
    printsMapped("id -u; id -G; touch /tmp/mine; stat -c %u:%g /tmp/mine", (config) => {
      asUser(config);
      config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmp", options: ["mode=1777"] });
    }),
  ).toBe("1000\n1001 7\n1000:1001");
});

withUsers("the default devices work", () => {
  expect(printsMapped("echo x >/dev/null; head -c 2 /dev/zero | od -An -tx1; head -c1 /dev/urandom | wc -c")).toBe(
    "00 00\n1",
  );
});

withUsers("a tmpfs starts with what it covers, as the container's root's where the owner isn't mapped", () => {
  const of = bundle("stat -c %u /m/f /m/d; cat /m/f", (config) => {
    mapped()(config);
    config.mounts.push({ destination: "/m", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
  });
  mkdirSync(join(of.rootfs, "m/d"), { recursive: true });
  writeFileSync(join(of.rootfs, "m/f"), "copied\n");
  chownSync(join(of.rootfs, "m/d"), host + 7, host + 7);
  expect(succeeded(runBundle(of)).stdout).toBe("0\n7\ncopied\n");
});

withUsers("one process may be all that is allowed", () => {
  const of = create("true", (config) => {
    mapped()(config);
    config.linux.resources = { ...config.linux.resources, pids: { limit: 1 } };
  });
  expect(readFileSync(`${cgroupDirectory(of.id, "pids")}/pids.max`, "utf8")).toBe("1\n");
});

withUsers("the exec fifo belongs to the container's root", () => {
  const of = create("true", mapped());
  expect(statSync(join(root, of.id, "exec.fifo")).uid).toBe(host);
});

needs("user namespaces", "exec command")("exec enters the user namespace too", () => {
  const of = running(mapped());
  const seen = succeeded(runtime(["exec", of.id, "sh", "-c", "id -u; readlink /proc/self/ns/user"]))
    .stdout.trim()
    .split("\n");
  expect(seen).toEqual(["0", readlinkSync(`/proc/${state(of.id).pid}/ns/user`)]);
});

needs("user namespaces", "joined user namespace")("a user namespace with a path is joined", () => {
  const other = running(mapped());
  const path = `/proc/${state(other.id).pid}/ns/user`;
  const outcome = run("readlink /proc/self/ns/user; id -u", (config) => {
    config.linux.namespaces.push({ type: "user", path });
  });
  expect(succeeded(outcome).stdout.trim().split("\n")).toEqual([readlinkSync(path), "0"]);
});

needs("user namespaces", "joined user namespace")("the mappings of a joined user namespace may be repeated", () => {
  const other = running(mapped());
  const path = `/proc/${state(other.id).pid}/ns/user`;
  const joined =
    (ids: IdMapping[]): Edit =>
    (config) => {
      mapped(ids)(config);
      config.linux.namespaces = config.linux.namespaces.map(({ type }) =>
        type === "user" ? { type, path } : { type },
      );
    };
  expect(succeeded(run("id -u", joined(mapping))).stdout).toBe("0\n");
  const outcome = run("echo ran", joined([{ containerID: 0, hostID: host, size: 5 }]));
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  expect(complaint(outcome)).toContain("both namespace path and non-matching mapping specified");
});

const faults: [name: string, edit: Edit, words: RegExp, stricter?: true][] = [
  ["a user namespace without mappings", (config) => config.linux.namespaces.push({ type: "user" }), /mapping/],
  [
    "mappings without a user namespace",
    (config) => {
      mapped()(config);
      withoutNamespace(config, "user");
    },
    /user namespace mappings specified, but user namespace isn't enabled/,
    true,
  ],
  ["no mapping for root", mapped([{ containerID: 1, hostID: host, size: 5 }]), /map/],
  [
    "ranges that overlap",
    mapped([
      { containerID: 0, hostID: host, size: 10 },
      { containerID: 5, hostID: host + 50, size: 10 },
    ]),
    /./,
  ],
  ["a range of size 0", mapped([{ containerID: 0, hostID: host, size: 0 }]), /./],
  ["a range beyond the last id", mapped([{ containerID: 0, hostID: 4_294_967_290, size: 100 }]), /./],
  [
    "a user that isn't mapped",
    (config: Config) => {
      mapped()(config);
      config.process.user.uid = 70_000;
    },
    /cannot set ?uid to unmapped (uid|user)/,
  ],
];

for (const [name, edit, words, stricter] of faults) {
  const ask = stricter ? needs("user namespaces", "stricter than runc") : withUsers;
  ask(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
    expect(complaint(outcome)).toMatch(words);
  });
}
