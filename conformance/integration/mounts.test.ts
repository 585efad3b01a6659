import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Config, Mount } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, prints, run, runBundle } = containers("mounts");

/** The options of the mount at /m, as the container's mountinfo tells them: of the mount, and of the file system. */
const optionsOfM = `awk '$5 == "/m" {for (i = 7; $i != "-"; i++); print $6 " " $(i+3)}' /proc/self/mountinfo`;

const hostDir = join(base, "volume");
mkdirSync(hostDir);
writeFileSync(join(hostDir, "file"), "from the host\n");

const add =
  (...mounts: Mount[]) =>
  (config: Config) =>
    void config.mounts.push(...mounts);
const tmpfs = (...options: string[]) => add({ destination: "/m", type: "tmpfs", source: "tmpfs", options });
const bind = (source: string, ...options: string[]) =>
  add({ destination: "/m", source, options: ["rbind", ...options] });

/** Options, what must be in mountinfo, what must not. */
const tmpfsOptions: [options: string[], there: string[], absent: string[]][] = [
  [[], ["rw", "relatime"], ["nosuid", "nodev", "noexec"]],
  [["nosuid"], ["nosuid"], ["nodev"]],
  [["nodev"], ["nodev"], ["nosuid"]],
  [["noexec"], ["noexec"], ["nosuid"]],
  [["nosuid", "suid"], [], ["nosuid"]],
  [["noexec", "exec"], [], ["noexec"]],
  [["nodev", "dev"], [], ["nodev"]],
  [["ro"], ["ro"], []],
  [["ro", "rw"], ["rw"], []],
  [["noatime"], ["noatime"], ["relatime"]],
  [["nodiratime"], ["nodiratime"], []],
  [["strictatime"], [], ["noatime", "relatime"]],
  [["sync"], ["sync"], []],
  [["dirsync"], ["dirsync"], []],
  [["size=64k"], ["size=64k"], []],
  [["size=64k", "nr_inodes=7"], ["size=64k", "nr_inodes=7"], []],
  [["mode=700"], ["mode=700"], []],
];

for (const [options, there, absent] of tmpfsOptions) {
  test(`a tmpfs with [${options}] has ${there.concat(absent.map((option) => `no ${option}`)).join(", ")}`, () => {
    const seen = prints(optionsOfM, tmpfs(...options)).split(/[ ,]/);
    for (const option of there) expect(seen).toContain(option);
    for (const option of absent) expect(seen).not.toContain(option);
  });
}

const bindOptions: typeof tmpfsOptions = [
  [[], ["rw"], ["nosuid", "nodev", "noexec"]],
  [["ro"], ["ro"], []],
  [["nosuid", "nodev", "noexec"], ["nosuid", "nodev", "noexec", "rw"], []],
  [["ro", "noatime"], ["ro", "noatime"], []],
];

for (const [options, there, absent] of bindOptions) {
  // What the source's mount has (of access times, or nosuid, nodev and noexec) is locked in a user namespace.
  needs(...(options.includes("noatime") || options.length === 0 ? (["root"] as const) : []))(
    `a bind with [${options}] has ${there.concat(absent.map((option) => `no ${option}`)).join(", ")}`,
    () => {
      const seen = prints(optionsOfM, bind(hostDir, ...options))
        .split(" ")[0]!
        .split(",");
      for (const option of there) expect(seen).toContain(option);
      for (const option of absent) expect(seen).not.toContain(option);
    },
  );
}

test("options that only a file system has don't hinder a bind mount", () => {
  expect(prints("cat /m/file", bind(hostDir, "mode=755", "size=1k"))).toBe("from the host");
});

needs("json pointers")("a bind mount's options that have no effect are warned of", () => {
  expect(run("true", bind(hostDir, "size=1k")).stderr).toMatch(/level=warning msg="\/mounts\/\d+\/options\/1: /);
});

test("rro makes the mounts below a bind read-only too, ro doesn't", () => {
  const nested = (option: string) =>
    add(
      { destination: "/src", type: "tmpfs", source: "tmpfs" },
      { destination: "/m", source: "/sys", options: ["rbind", option] },
    );
  const cgroupMount = `grep -c ' /m/fs/cgroup.* rw[, ]' /proc/self/mountinfo || true`;
  expect(Number(prints(cgroupMount, nested("ro")))).toBeGreaterThan(0);
  expect(prints(`awk '$5 ~ "^/m" {print $6}' /proc/self/mountinfo | grep -c ^rw || true`, nested("rro"))).toBe("0");
});

test("a directory of the host can be read and written", () => {
  expect(prints("cat /m/file; echo back >/m/written", bind(hostDir))).toBe("from the host");
  expect(existsSync(join(hostDir, "written"))).toBe(true);
});

test("a file is bound over a file that the runtime makes", () => {
  const file = add({ destination: "/made/too/file", source: join(hostDir, "file"), options: ["bind", "ro"] });
  expect(prints("cat /made/too/file; echo x 2>/dev/null >/made/too/file || echo refused", file)).toBe(
    "from the host\nrefused",
  );
});

test("a relative source is relative to the bundle", () => {
  const of = bundle("ls /m", add({ destination: "/m", source: "beside", options: ["bind"] }));
  mkdirSync(join(of.dir, "beside/here"), { recursive: true });
  expect(succeeded(runBundle(of)).stdout).toBe("here\n");
});

needs("root")("bind leaves the mounts below its source out, rbind takes them", () => {
  const count = `grep -c ' /m/fs' /proc/self/mountinfo || true`;
  expect(prints(count, add({ destination: "/m", source: "/sys", options: ["bind", "ro"] }))).toBe("0");
  expect(Number(prints(count, add({ destination: "/m", source: "/sys", options: ["rbind", "ro"] })))).toBeGreaterThan(
    0,
  );
});

test("mounts are made in the order of the config, later ones cover", () => {
  const order = add(
    { destination: "/m", type: "tmpfs", source: "tmpfs" },
    { destination: "/m/below", source: hostDir, options: ["bind"] },
    { destination: "/n", source: hostDir, options: ["bind"] },
    { destination: "/n", type: "tmpfs", source: "tmpfs" },
  );
  expect(prints("ls /m /n", order)).toBe("/m:\nbelow\n\n/n:");
});

test("a destination above the root is below it", () => {
  const of = bundle("ls /m", add({ destination: "/../../../m", source: hostDir, options: ["bind"] }));
  expect(succeeded(runBundle(of)).stdout).toContain("file\n");
});

test("a destination is resolved inside the root, absolute symlinks too", () => {
  const of = bundle("ls /real", add({ destination: "/link", source: hostDir, options: ["bind"] }));
  mkdirSync(join(of.rootfs, "real"));
  symlinkSync("/real", join(of.rootfs, "link"));
  expect(succeeded(runBundle(of)).stdout).toContain("file\n");
});

test("a dangling symlink's target is made inside the root", () => {
  const of = bundle("ls /to/be/made", add({ destination: "/link", source: hostDir, options: ["bind"] }));
  symlinkSync("../../to/be/made", join(of.rootfs, "link"));
  expect(succeeded(runBundle(of)).stdout).toContain("file\n");
  expect(lstatSync(join(of.rootfs, "to/be/made")).isDirectory()).toBe(true);
});

/** openat2(2) gives up with EAGAIN when something is renamed while it looks up a "..". */
test("renames on the host meanwhile don't keep a link with .. from being followed", async () => {
  const [one, other] = ["one", "other"].map((name) => join(base, name));
  writeFileSync(one!, "");
  const loop = `const { renameSync } = require("node:fs");
    for (;;) { renameSync(process.argv[1], process.argv[2]); renameSync(process.argv[2], process.argv[1]); }`;
  const renaming = Bun.spawn([process.execPath, "-e", loop, one!, other!], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    await until("the first rename", () => existsSync(other!));
    const cases = [
      ["../../to/be/made", "/link"],
      ["../real", "/link"],
      ["../real", "/link/in/it"],
    ] as const;
    for (const [target, destination] of cases) {
      for (let round = 0; round < 8; round++) {
        const of = bundle(`ls ${destination}/`, add({ destination, source: hostDir, options: ["bind"] }));
        mkdirSync(join(of.rootfs, "real"));
        symlinkSync(target, join(of.rootfs, "link"));
        expect(succeeded(runBundle(of)).stdout).toContain("file\n");
      }
    }
  } finally {
    renaming.kill("SIGKILL");
    await renaming.exited;
    for (const name of [one!, other!]) rmSync(name, { force: true });
  }
});

test("a tmpfs keeps the mode of the directory that it covers", () => {
  const of = bundle("stat -c %a /m", tmpfs());
  mkdirSync(join(of.rootfs, "m"));
  chmodSync(join(of.rootfs, "m"), 0o1750);
  expect(succeeded(runBundle(of)).stdout).toBe("1750\n");
});

test("tmpcopyup copies what the image has into the tmpfs", () => {
  const of = bundle("cat /m/a/b; stat -c %a:%u /m/a; readlink /m/l; echo new >/m/new", tmpfs("tmpcopyup"));
  mkdirSync(join(of.rootfs, "m/a"), { recursive: true });
  chmodSync(join(of.rootfs, "m/a"), 0o750);
  writeFileSync(join(of.rootfs, "m/a/b"), "copied\n");
  symlinkSync("/nowhere", join(of.rootfs, "m/l"));
  expect(succeeded(runBundle(of)).stdout).toBe("copied\n750:0\n/nowhere\n");
  expect(readdirSync(join(of.rootfs, "m")).sort()).toEqual(["a", "l"]);
});

test("a read-only tmpfs still gets what is mounted and copied below it", () => {
  const layered = add(
    { destination: "/m", type: "tmpfs", source: "tmpfs", options: ["ro"] },
    { destination: "/m/sub", source: hostDir, options: ["bind"] },
  );
  expect(prints("cat /m/sub/file; touch /m/x 2>/dev/null || echo refused", layered)).toBe("from the host\nrefused");
});

const failures: [name: string, mount: Mount, words: RegExp][] = [
  ["a missing source", { destination: "/m", source: "/nope", options: ["bind"] }, /no such file or directory/],
  ["an unknown type", { destination: "/m", type: "banana", source: "x" }, /no such device/],
  [
    "an option the file system doesn't know",
    { destination: "/m", type: "tmpfs", source: "t", options: ["banana"] },
    /invalid argument/,
  ],
  ["a NUL in the destination", { destination: "/m\0n", type: "tmpfs", source: "t" }, /./],
  ["a directory over a file", { destination: "/etc/passwd", source: hostDir, options: ["bind"] }, /not a directory/],
  ["a symlink loop", { destination: "/loop/x", type: "tmpfs", source: "t" }, /./],
];

for (const [name, mount, words] of failures) {
  test(`${name} fails, and says which mount`, () => {
    const of = bundle("echo ran", add(mount));
    symlinkSync("loop", join(of.rootfs, "loop"));
    const outcome = runBundle(of);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe("");
    expect(complaint(outcome)).toMatch(words);
  });

  needs("json pointers")(`${name} is named by its place in the config`, () => {
    const of = bundle("echo ran", add(mount));
    symlinkSync("loop", join(of.rootfs, "loop"));
    expect(runBundle(of).stderr).toContain(`/mounts/${of.config.mounts.length - 1}`);
  });
}

test("a failing mount is told in runc's words", () => {
  const outcome = run("true", add({ destination: "/m", type: "tmpfs", source: "t", options: ["banana"] }));
  expect(complaint(outcome)).toMatch(/error mounting "t" to rootfs at "\/m"/);
});

test("the host's procfs may be bound over the container's own", () => {
  const seen = prints("cat /proc/1/comm", (config) => {
    config.mounts.push({ destination: "/proc", source: "/proc", options: ["rbind"] });
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  expect(seen).toBe(readFileSync("/proc/1/comm", "utf8").trim());
});
