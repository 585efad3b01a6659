/** A container's cgroup made, limited and filled, on this machine's hierarchies. Needs root, and a v1 or hybrid host. */
import { afterEach, expect, test } from "bun:test";
import { close, exists, mkdir, readText, tryRmdir } from "../../native-bindings/files.ts";
import type { LinuxResources } from "../bundle/config.ts";
import type { CgroupLayout } from "../host/cgroup-layout.ts";
import { applyWrites } from "./apply-writes.ts";
import { freeze } from "./freezer.ts";
import { killAll } from "./kill.ts";
import { asV2, cleanUp, host, onUnified, onV1, parent, prepare, spawnIn, unified } from "./live-cgroup.fixture.ts";
import { oomKilled } from "./oom.ts";
import { openForClone, selfPlacement } from "./place.ts";
import { planCgroup, resourceWrites } from "./plan.ts";
import { prepareCgroup } from "./prepare.ts";
import { pidsIn } from "./processes.ts";
import { directoriesOf } from "./record.ts";
import { removeCgroup } from "./remove.ts";

afterEach(cleanUp);

onV1("limits are in force before the first process, in every hierarchy", () => {
  const record = prepare(host, {
    memory: { limit: 64 << 20, reservation: 32 << 20 },
    cpu: { shares: 512, quota: 50000, period: 100000 },
    pids: { limit: 0 },
  });
  const file = (key: string, name: string) => readText(`${record.paths[key]}/${name}`).trim();
  expect(file("memory", "memory.limit_in_bytes")).toBe(`${64 << 20}`);
  expect(file("memory", "memory.soft_limit_in_bytes")).toBe(`${32 << 20}`);
  expect(file("cpu", "cpu.shares")).toBe("512");
  expect(file("cpu", "cpu.cfs_quota_us")).toBe("50000");
  expect(file("pids", "pids.max")).toBe("1");
  const top = host.hierarchies.find((h) => h.key === "cpuset")!.mountPoint;
  expect(file("cpuset", "cpuset.cpus")).toBe(readText(`${top}/cpuset.cpus`).trim());
  expect(file("cpuset", "cpuset.mems")).toBe(readText(`${top}/cpuset.mems`).trim());
  const devices = file("devices", "devices.list").split("\n");
  expect(devices).toHaveLength(11);
  expect(devices).toContain("c 1:3 rwm");
  expect(devices).not.toContain("a *:* rwm");
  const expected = host.hierarchies.filter((h) => directoriesOf(record).some((d) => d.startsWith(h.mountPoint)));
  expect(Object.keys(record.paths).sort()).toEqual(expected.map((h) => h.key).sort());
  expect(JSON.parse(JSON.stringify(record))).toEqual(record);
});

onV1("a placed process is in every hierarchy, and its cgroup can't be taken by another container", () => {
  const record = prepare(host, undefined, `${parent}/same`);
  const child = spawnIn(record);
  for (const directory of directoriesOf(record)) {
    expect([directory, readText(`${directory}/cgroup.procs`)]).toEqual([directory, `${child.pid}\n`]);
  }
  expect(pidsIn(record)).toEqual([child.pid]);
  expect(() => prepare(host, undefined, `${parent}/same`)).toThrow(
    "container's cgroup is not empty: 1 process(es) found",
  );
  expect(oomKilled(record)).toBe(false);
});

onV1("an empty cgroup that is there is used, with all rules set anew", () => {
  const devices = [{ allow: true, type: "b", major: 8, minor: 0, access: "r" }] as const;
  const first = prepare(host, { devices }, `${parent}/same`);
  const second = prepare(host, undefined, `${parent}/same`);
  expect(second.made).toEqual([]);
  expect(second.paths).toEqual(first.paths);
  expect(readText(`${second.paths.devices}/devices.list`)).not.toContain("b 8:0");
});

onV1("a frozen cgroup that is there is refused", () => {
  const record = prepare(host, undefined, `${parent}/same`);
  freeze(record);
  expect(() => prepare(host, undefined, `${parent}/same`)).toThrow("container's cgroup unexpectedly frozen");
});

onV1("a frozen cgroup that is there in the freezer hierarchy only is refused", () => {
  const record = prepare(host, undefined, `${parent}/same`);
  freeze(record);
  const others = directoriesOf(record).filter((directory) => directory !== record.paths.freezer);
  expect(others.map((directory) => tryRmdir(directory))).toEqual(others.map(() => 0));
  expect(() => prepare(host, undefined, `${parent}/same`)).toThrow("container's cgroup unexpectedly frozen");
});

onV1("a limit that the kernel refuses leaves nothing, and is named with its field", () => {
  expect(() => prepare(host, { cpu: { cpus: "4095" } })).toThrow("/linux/resources/cpu/cpus");
  for (const { mountPoint } of host.hierarchies) expect(exists(mountPoint + parent)).toBe(false);
});

onV1("a limit of a controller that is not mounted is refused in runc's words", () => {
  const layout = { ...host, hierarchies: host.hierarchies.filter((h) => h.key !== "pids") };
  expect(() => prepare(layout, { pids: { limit: 5 } })).toThrow(
    "cannot set pids limit: container could not join or create cgroup",
  );
});

onV1("memory and swap are raised and lowered in whichever order the kernel takes", () => {
  const record = prepare(host, { memory: { limit: 32 << 20, swap: 48 << 20 } });
  const update = (memory: LinuxResources["memory"]) => {
    applyWrites(record.paths, resourceWrites({ memory }, host.mode));
    const value = (name: string) => Number(readText(`${record.paths.memory}/memory.${name}limit_in_bytes`));
    return [value(""), value("memsw.")];
  };
  expect(update({ limit: 64 << 20, swap: 96 << 20 })).toEqual([64 << 20, 96 << 20]);
  expect(update({ limit: 16 << 20, swap: 24 << 20 })).toEqual([16 << 20, 24 << 20]);
  const [memory, swap] = update({ limit: -1 });
  expect(memory).toBeGreaterThan(2 ** 60);
  expect(swap).toBeGreaterThan(2 ** 60);
});

onV1("a period that only fits the new quota is written again after it", () => {
  const record = prepare(host, { cpu: { quota: 100000, period: 100000 } }, `${parent}/limited`);
  const inner = prepare(host, { cpu: { quota: 50000, period: 100000 } }, `${parent}/limited/inner`);
  applyWrites(inner.paths, resourceWrites({ cpu: { quota: 5000, period: 10000 } }, host.mode));
  expect(readText(`${inner.paths.cpu}/cpu.cfs_period_us`)).toBe("10000\n");
  removeCgroup(inner);
  expect(Object.keys(record.paths)).toContain("cpu");
});

onV1("memory that is in use can't be limited away, and the message has the numbers", () => {
  const record = prepare(host, { memory: { limit: 64 << 20 } });
  spawnIn(record);
  const lower = () => applyWrites(record.paths, resourceWrites({ memory: { limit: 4096 } }, host.mode));
  // Reclaim may get below on a small process: then the kernel kills instead, and either is the kernel's word.
  let message = "";
  try {
    lower();
  } catch (error) {
    message = (error as Error).message;
  }
  if (message !== "")
    expect(message).toMatch(/unable to set memory limit to 4096 \(current usage: \d+, peak usage: \d+\)/);
  else expect(readText(`${record.paths.memory}/memory.limit_in_bytes`)).toBe("4096\n");
});

onUnified("in a threaded subtree a container without domain limits is threaded, and one with them is refused", () => {
  const top = prepare(asV2, undefined, `${parent}/threads`);
  const inner = `${top.paths[""]}/first`;
  mkdir(inner, 0o755);
  Bun.spawnSync(["sh", "-c", `echo threaded > ${inner}/cgroup.type`]);
  const second = prepare(asV2, undefined, `${parent}/threads/second`);
  expect(readText(`${second.paths[""]}/cgroup.type`)).toBe("threaded\n");
  expect(() => prepare(asV2, { memory: { limit: 1 << 20 } }, `${parent}/threads/third`)).toThrow(
    "with domain controllers -- it is in",
  );
  removeCgroup(second);
});

test.skipIf(host.mode !== "hybrid")("a v2 limit whose controller is not there says so", () => {
  expect(() => prepare(asV2, { unified: { "memory.max": "1" } })).toThrow(
    'unified resource "memory.max" can\'t be set: controller "memory" not available',
  );
});

onUnified("the cgroup2 directory is opened for clone3 where there is one", () => {
  const fd = openForClone(prepare(asV2));
  expect(fd).toBeGreaterThan(2);
  close(fd!);
  const without = { ...host, mode: "v1", hierarchies: host.hierarchies.filter((h) => h.key !== "") } as const;
  if (host.mode !== "v2") expect(openForClone(prepare(without))).toBeUndefined();
  expect(selfPlacement(prepare(asV2))).toEqual([]);
});

onV1("a process that places itself is in every v1 hierarchy", async () => {
  const record = prepare(host);
  const placements = selfPlacement(record);
  expect(placements.filter((p) => p.optional).map((p) => p.file)).toEqual([`${record.paths["name=systemd"]}/tasks`]);
  const script = `for f in "$@"; do echo 0 > $f; done; exec cat /proc/self/cgroup`;
  const child = Bun.spawn(["sh", "-c", script, "sh", ...placements.map((p) => p.file)], { stdout: "pipe" });
  const lines = (await child.stdout.text()).trim().split("\n");
  const own = record.paths.devices!.slice(record.paths.devices!.indexOf(parent));
  // A hierarchy that is mounted nowhere is listed as well.
  const legacy = lines.filter((line) =>
    line
      .split(":")[1]!
      .split(",")
      .some((key) => key in record.paths && key !== ""),
  );
  expect(legacy.length).toBeGreaterThan(0);
  for (const line of legacy) expect(line).toEndWith(`:${own}`);
});

onV1("the kernel's killing for want of memory is known", async () => {
  const record = prepare(host, { memory: { limit: 16 << 20 } });
  const child = spawnIn(record, "exec tail /dev/zero");
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(oomKilled(record)).toBe(true);
});

onUnified("a rootless container without path and limits goes without a cgroup when it may make none", () => {
  const layout: CgroupLayout = { mode: "v2", hierarchies: [{ ...unified!, mountPoint: "/proc" }] };
  const request = { cgroupsPath: "", id: "x", devices: undefined, layout, driver: "cgroupfs", rootless: true } as const;
  const record = prepareCgroup(planCgroup({ ...request, resources: undefined }));
  expect(record).toMatchObject({ paths: {}, made: [] });
  killAll(record);
  removeCgroup(record);
  expect(() => prepareCgroup(planCgroup({ ...request, resources: { pids: { limit: 1 } } }))).toThrow(
    "rootless needs no limits + no cgrouppath when no permission is granted for cgroups",
  );
  expect(() => prepareCgroup(planCgroup({ ...request, resources: undefined, cgroupsPath: "/a" }))).toThrow(
    "cannot make",
  );
});

onV1("co-mounted controllers have one directory", () => {
  const cpu = host.hierarchies.find((h) => h.key === "cpu")!;
  const hierarchies = host.hierarchies.map((h) => (h.key === "cpuacct" ? { ...cpu, key: "cpuacct" } : h));
  const record = prepare({ ...host, hierarchies }, { cpu: { shares: 64 } });
  expect(record.paths.cpuacct).toBe(record.paths.cpu!);
  expect(record.made.filter((directory) => directory === record.paths.cpu)).toHaveLength(1);
  spawnIn(record);
  expect(readText(`${record.paths.cpu}/cpu.shares`)).toBe("64\n");
});

test("on v1 a rootless container without path does without the hierarchies it may not use, until a limit needs one", () => {
  // sysfs lets nobody make directories: EPERM, also for root.
  const hierarchies = ["devices", "pids", "name=systemd"].map((key) => {
    return { key, controllers: key, mountPoint: "/sys/kernel", ownPath: "/" };
  });
  const layout: CgroupLayout = { mode: "v1", hierarchies };
  const request = { cgroupsPath: "", id: "x", devices: undefined, layout, driver: "cgroupfs", rootless: true } as const;
  expect(prepareCgroup(planCgroup({ ...request, resources: undefined }))).toMatchObject({ paths: {}, made: [] });
  expect(() => prepareCgroup(planCgroup({ ...request, resources: { pids: { limit: 5 } } }))).toThrow(
    "cannot set pids limit: container could not join or create cgroup",
  );
  expect(() => prepareCgroup(planCgroup({ ...request, resources: undefined, rootless: false }))).toThrow(
    "operation not permitted (EPERM)",
  );
  expect(() => prepareCgroup(planCgroup({ ...request, resources: undefined, cgroupsPath: "/a" }))).toThrow(
    "cannot make",
  );
});

test("what has no effect is warned of", () => {
  const request = { cgroupsPath: "a:b:c", id: "x", resources: undefined, devices: undefined, layout: host } as const;
  const plan = planCgroup({ ...request, resources: { memory: { kernel: 1 } }, rootless: false });
  expect(plan.warnings).toEqual([
    "Kernel memory settings are ignored and will be removed",
    expect.stringContaining("looks like one for systemd"),
  ]);
});
