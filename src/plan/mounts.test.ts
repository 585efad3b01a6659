import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BindSource, MountFacts } from "./mount-facts.ts";
import { planMounts } from "./mounts.ts";
import { NO_FACTS, rootfsInput, rootfsProgram, runRootfs, withRootfs } from "./run-rootfs-for-test.ts";

/** As `runc spec` writes them. */
const DEFAULT_MOUNTS = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
];
const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];
const READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const DEFAULT_LINUX = { maskedPaths: MASKED, readonlyPaths: READONLY };

const PROC = { destination: "/proc", type: "proc", source: "proc" };
const TMPFS_DEV = { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] };

/** Options of the mount at `path` as /proc/self/mountinfo has them. */
function mountLine(mountinfo: string, path: string): string | undefined {
  return mountinfo.split("\n").findLast((line) => line.split(" ")[4] === path);
}

function withFacts(facts: Partial<MountFacts>) {
  return { facts: { ...NO_FACTS, ...facts } };
}

function bindSource(path: string, rest: Partial<BindSource> = {}): BindSource {
  return { path, directory: true, inside: undefined, procfs: false, resolvedDestination: undefined, ...rest };
}

test("a mount label is an option of the file systems that take one, an attribute of a mqueue, and nothing of a bind mount", () => {
  const label = "u:object_r:container_file_t:s0:c1,c2";
  const remount = { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["remount", "size=1k"] };
  const config = {
    mounts: [...DEFAULT_MOUNTS, { destination: "/b", source: "/etc", options: ["bind"] }, remount],
    linux: { mountLabel: label },
  };
  const sources = [...DEFAULT_MOUNTS.map(() => undefined), bindSource("/etc")];
  const plan = (selinux: boolean) =>
    planMounts({ ...rootfsInput("/", config), facts: { ...NO_FACTS, sources, selinux } }).early.map((step) =>
      JSON.stringify(step),
    );
  const labelled = plan(true).filter((step) => step.includes(label));
  expect(labelled.map((step) => /"destination":"([^"]*)"/.exec(step)![1])).toEqual([
    "/dev",
    "/dev/pts",
    "/dev/shm",
    "/dev/mqueue",
    "/tmp",
  ]);
  expect(labelled[0]).toContain(`{"key":"context","value":"${label}"}`);
  expect(labelled[3]).toContain(`"label":"${label}"`);
  expect(labelled[4]).toContain(`size=1k,context=\\"${label}\\"`);
  expect(plan(false).filter((step) => step.includes(label))).toEqual([]);
});

test("runc's default spec takes few operations, and every mount is there as runc makes it", () => {
  withRootfs((rootfs) => {
    const root = { path: rootfs, readonly: true };
    const input = rootfsInput(rootfs, { mounts: DEFAULT_MOUNTS, linux: DEFAULT_LINUX, root });
    expect(rootfsProgram(input, "").program.length).toBeLessThanOrEqual(184);
    const { failed, output } = runRootfs(
      input,
      "cat /proc/self/mountinfo; cat /proc/keys; ls /sys/firmware; ls -l /dev",
    );
    expect(failed).toBeUndefined();
    const lines = output.split("\n").filter((line) => line.includes(" - "));
    const short = lines.map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, "").replace(/ - (\w+) .*/, " $1"));
    expect(short[0]).toEndWith(" / ro,relatime ext4");
    for (const expected of [
      "/ /proc rw,relatime proc",
      "/ /dev rw,nosuid tmpfs",
      "/ /dev/pts rw,nosuid,noexec,relatime devpts",
      "/ /dev/shm rw,nosuid,nodev,noexec,relatime tmpfs",
      "/ /dev/mqueue rw,nosuid,nodev,noexec,relatime mqueue",
      "/ /sys ro,nosuid,nodev,noexec,relatime sysfs",
      "/sys /proc/sys ro,relatime proc",
      "/null /proc/keys rw,relatime devtmpfs",
      "/ /sys/firmware ro,relatime tmpfs",
    ]) {
      expect(short).toContain(expected);
    }
    expect(output).toMatch(/crw-rw-rw- .* 1, +3 .* null/);
    expect(output).toContain("ptmx -> pts/ptmx");
  });
});

test("nothing of the host's mounts is left in the namespace", () => {
  withRootfs((rootfs) => {
    const { output } = runRootfs(rootfsInput(rootfs, { mounts: [PROC] }), "cat /proc/self/mountinfo");
    expect(output.trim().split("\n").length).toBe(2);
  });
});

for (const rootfsPropagation of ["", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable"]) {
  test(`rootfsPropagation ${JSON.stringify(rootfsPropagation)}: pivot_root works and the root gets it`, () => {
    withRootfs((rootfs) => {
      const linux = { rootfsPropagation, maskedPaths: ["/proc/keys"] };
      const run = runRootfs(rootfsInput(rootfs, { mounts: [PROC], linux }), "cat /proc/self/mountinfo");
      expect(run.failed).toBeUndefined();
      const line = mountLine(run.output, "/")!;
      if (rootfsPropagation.endsWith("shared")) expect(line).toContain(" shared:");
      else expect(line).not.toContain(" shared:");
      if (rootfsPropagation === "unbindable") expect(line).toContain(" unbindable");
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(rootfs);
    });
  });
}

test("without pivot_root the root is moved, and the host's proc and sysfs are gone", () => {
  withRootfs((rootfs) => {
    const input = rootfsInput(
      rootfs,
      { mounts: [PROC], linux: { maskedPaths: ["/proc/keys"] } },
      { noPivot: true, ...withFacts({ hostMounts: ["/sys", "/proc"] }) },
    );
    const run = runRootfs(input, "ls /; cat /proc/keys; cat /proc/self/mountinfo");
    expect(run.failed).toBeUndefined();
    expect(run.output).toStartWith("bin\ndev\nproc\n");
  });
});

test("missing mount points are made in the root, file or directory, through symbolic links that try to leave it", () => {
  withRootfs((rootfs, directory) => {
    symlinkSync("/../../real", join(rootfs, "link"));
    mkdirSync(join(rootfs, "real"));
    writeFileSync(join(directory, "file"), "content");
    const input = rootfsInput(
      rootfs,
      {
        mounts: [
          { destination: "/link/x/y", source: directory, options: ["bind", "ro"] },
          { destination: "/etc/a/b/file", source: join(directory, "file"), options: ["bind"] },
        ],
      },
      withFacts({ sources: [bindSource(directory), bindSource(join(directory, "file"), { directory: false })] }),
    );
    const run = runRootfs(input, "ls /real/x/y; cat /etc/a/b/file; touch /real/x/y/new");
    expect(run.failed).toBeUndefined();
    expect(run.output).toBe("file\nrootfs\ncontent");
    expect(run.exitCode).toBe(1);
    expect(existsSync("/real")).toBe(false);
  });
});

test("CVE-2019-19921: proc is not mounted through a symbolic link", () => {
  withRootfs((rootfs) => {
    mkdirSync(join(rootfs, "evil"));
    symlinkSync("evil", join(rootfs, "proc"));
    const { failed } = runRootfs(rootfsInput(rootfs, { mounts: [PROC] }), "true");
    expect(failed?.text).toContain('filesystem "proc" must be mounted on ordinary directory');
  });
});

test("CVE-2025-52881: a symbolic link does not lead a mount into /proc", () => {
  withRootfs((rootfs) => {
    symlinkSync("/proc/self", join(rootfs, "l"));
    const tmpfs = { destination: "/l/attr", type: "tmpfs", source: "tmpfs" };
    const { failed } = runRootfs(rootfsInput(rootfs, { mounts: [PROC, tmpfs] }), "true");
    expect(failed?.text).toBe('"/l/attr" cannot be mounted because it is inside /proc');
  });
});

for (const destination of ["/proc", "/proc/self", "/proc/sys/net", "/tmp/../proc/self", "proc//self"]) {
  test(`a tmpfs on ${destination} is refused while planning`, () => {
    const mounts = [{ destination, type: "tmpfs", source: "tmpfs" }];
    expect(() => planMounts(rootfsInput("/r", { mounts }))).toThrow("cannot be mounted because it is");
  });
}

test("CVE-2025-31133: masks come from the host's null, whatever the container's is", () => {
  withRootfs((rootfs, directory) => {
    writeFileSync(join(directory, "null"), "FAKE");
    writeFileSync(join(rootfs, "secret"), "SECRET");
    mkdirSync(join(rootfs, "hidden/inside"), { recursive: true });
    const input = rootfsInput(
      rootfs,
      {
        mounts: [{ destination: "/dev", source: directory, options: ["bind"] }],
        linux: { maskedPaths: ["/secret", "/hidden", "/secret", "/nope"] },
      },
      withFacts({ sources: [bindSource(directory)] }),
    );
    const run = runRootfs(input, "cat /secret; ls /hidden; touch /hidden/x");
    expect(run).toMatchObject({ failed: undefined, output: "", exitCode: 1 });
  });
});

test("a masked path that leads through a file is an error", () => {
  withRootfs((rootfs) => {
    const input = rootfsInput(rootfs, { linux: { maskedPaths: ["/bin/busybox/x"] } });
    expect(runRootfs(input, "true").failed).toMatchObject({ errno: 20, text: "unable to mask path" });
  });
});

test("CVE-2026-41579: a /dev that is a symbolic link out of the root changes nothing on the host", () => {
  withRootfs((rootfs, directory) => {
    const victim = join(directory, "victim");
    mkdirSync(victim);
    writeFileSync(join(victim, "ptmx"), "marker");
    symlinkSync(victim, join(rootfs, "dev"));
    runRootfs(rootfsInput(rootfs, {}), "true");
    expect(readdirSync(victim)).toEqual(["ptmx"]);
    expect(readFileSync(join(victim, "ptmx"), "utf8")).toBe("marker");
  });
});

test("device nodes: the config's mode and owner, a directory of their own, and no other file in their place", () => {
  withRootfs((rootfs) => {
    const devices = [
      { path: "/dev/net/tun", type: "c", major: 10, minor: 200, fileMode: 0o640, uid: 7, gid: 8 },
      { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600 },
      { path: "/dev/pipe", type: "p" },
    ];
    const run = runRootfs(rootfsInput(rootfs, { mounts: [TMPFS_DEV], linux: { devices } }), "ls -ln /dev/net /dev");
    expect(run.failed).toBeUndefined();
    expect(run.output).toMatch(/crw-r----- .* 7 +8 +10, 200 .* tun/);
    expect(run.output).toMatch(/crw------- .* 1, +3 .* null/);
    expect(run.output).toMatch(/prw-rw-rw- .* pipe/);
    mkdirSync(join(rootfs, "dev"), { recursive: true });
    writeFileSync(join(rootfs, "dev/zero"), "");
    expect(runRootfs(rootfsInput(rootfs, {}), "true").failed).toMatchObject({ errno: 17 });
  });
});

test("what may not be made is bound from the host", () => {
  withRootfs((rootfs) => {
    const input = rootfsInput(rootfs, { mounts: [TMPFS_DEV, PROC] }, withFacts({ mayMakeDevices: false }));
    const run = runRootfs(input, "echo x > /dev/null && ls -l /dev/null && cat /proc/self/mountinfo");
    expect(run.output).toMatch(/crw-rw-rw- .* 1, +3 .* \/dev\/null/);
    expect(mountLine(run.output, "/dev/null")).toContain("/null /dev/null");
  });
});

test("tmpfs: the mode of what it covers unless the option says otherwise; read-only at the end", () => {
  withRootfs((rootfs) => {
    mkdirSync(join(rootfs, "kept"));
    chmodSync(join(rootfs, "kept"), 0o3751);
    mkdirSync(join(rootfs, "told"));
    const tmpfs = (destination: string, options: string[]) => ({ destination, type: "tmpfs", source: "t", options });
    const mounts = [tmpfs("/kept", []), tmpfs("/told", ["mode=700"]), tmpfs("/made", ["ro"]), tmpfs("/made/in", [])];
    const run = runRootfs(rootfsInput(rootfs, { mounts }), "stat -c '%a' /kept /told /made; ls /made; touch /made/x");
    expect(run.failed).toBeUndefined();
    expect(run.output).toBe("3751\n700\n1777\nin\n");
    expect(run.exitCode).toBe(1);
  });
});

test("an option that the file system refuses is named by the kernel", () => {
  withRootfs((rootfs) => {
    const mounts = [{ destination: "/t", type: "tmpfs", source: "tmpfs", options: ["sizzle=1"] }];
    const run = runRootfs(rootfsInput(rootfs, { mounts }), "true");
    expect(run.failed).toMatchObject({ errno: 22, text: 'error mounting "tmpfs" to rootfs at "/t"' });
    expect(run.kernelText).toContain("sizzle");
  });
});

test("an overlay whose lowerdir is longer than fsconfig takes is mounted all the same", () => {
  withRootfs((rootfs, directory) => {
    const lower = Array.from({ length: 8 }, (_, i) => join(directory, `layer-${"x".repeat(30)}-${i}`));
    for (const layer of lower) mkdirSync(layer);
    writeFileSync(join(lower[3]!, "found"), "");
    const options = [`lowerdir=${lower.join(":")}`, "ro", "rslave"];
    const mounts = [{ destination: "/o", type: "overlay", source: "overlay", options }];
    const run = runRootfs(rootfsInput(rootfs, { mounts }), "ls /o");
    expect(run).toMatchObject({ failed: undefined, output: "found\n" });
  });
});

test("cgroup v1: a tmpfs with the container's own directory of each hierarchy, and links for those that share one", () => {
  withRootfs((rootfs, directory) => {
    for (const name of ["cpu", "pids"]) mkdirSync(join(directory, name));
    const hierarchies = [
      { name: "cpu,cpuacct", controllers: ["cpu", "cpuacct"], directory: join(directory, "cpu") },
      { name: "pids", controllers: ["pids"], directory: join(directory, "pids") },
    ];
    const mounts = [PROC, { destination: "/c", type: "cgroup", source: "cgroup", options: ["nosuid", "nodev", "ro"] }];
    const facts = { cgroups: { ...NO_FACTS.cgroups, hierarchies } };
    const run = runRootfs(
      rootfsInput(rootfs, { mounts }, withFacts(facts)),
      "ls /c; cat /proc/self/mountinfo; mkdir /c/pids/x",
    );
    expect(run.output).toStartWith("cpu\ncpu,cpuacct\ncpuacct\npids\n");
    expect(mountLine(run.output, "/c/pids")).toContain(" ro,nosuid,nodev,relatime ");
    expect(run.exitCode).toBe(1);
  });
});

test("bind mounts: recursive attributes and propagation", () => {
  withRootfs((rootfs) => {
    const mounts = [PROC, { destination: "/d", source: "/dev", options: ["rbind", "rro", "rnoatime", "rprivate"] }];
    const sources = [undefined, bindSource("/dev")];
    const run = runRootfs(rootfsInput(rootfs, { mounts }, withFacts({ sources })), "cat /proc/self/mountinfo");
    expect(run.failed).toBeUndefined();
    expect(mountLine(run.output, "/d")).toContain(" ro,noatime ");
    expect(mountLine(run.output, "/d/pts")).toContain(" ro,noatime ");
    expect(run.output).not.toContain("master:");
  });
});

test("the destination / is refused", () => {
  const root = [{ destination: "/a/..", type: "tmpfs", source: "tmpfs" }];
  expect(() => planMounts(rootfsInput("/r", { mounts: root }))).toThrow("is on the top of rootfs");
});

test("options of a file system have no effect on a bind mount", () => {
  const mounts = (...more: string[]) => [{ destination: "/a", source: "/", options: ["bind", "ro", ...more] }];
  const facts = withFacts({ sources: [bindSource("/")] });
  const planned = (...more: string[]) => planMounts(rootfsInput("/r", { mounts: mounts(...more) }, facts)).early;
  expect(planned("mode=755", "size=1k")).toEqual(planned());
});
