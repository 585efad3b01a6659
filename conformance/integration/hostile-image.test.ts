import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, withoutDev } from "./bundle.ts";
import { type Bundle, containers } from "./harness.ts";
import { complaint, type Outcome } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, run, runBundle, running, runtime, state } = containers("hostile");

/** Runs with an image that was prepared to mislead the runtime. */
function runPrepared(script: string, prepare: (of: Bundle) => void, edit?: Edit): Outcome {
  const of = bundle(script, edit);
  prepare(of);
  return runBundle(of);
}

const replace = (of: Bundle, name: string, target: string): void => {
  rmSync(join(of.rootfs, name), { recursive: true, force: true });
  symlinkSync(target, join(of.rootfs, name));
};

// A file system of the kernel at a place that the image chose: CVE-2019-19921, CVE-2023-27561, CVE-2025-54867.
for (const name of ["proc", "sys"]) {
  for (const target of ["evil", "/etc", "/nowhere", `/${name}`]) {
    test(`CVE-2019-19921: a /${name} that is a symlink to ${target} is refused`, () => {
      const outcome = runPrepared("echo ran", (of) => {
        mkdirSync(join(of.rootfs, "evil"));
        replace(of, name, target);
      });
      expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
      expect(complaint(outcome)).toMatch(new RegExp(`${name}`));
    });
  }
}

const overProc: [destination: string, prepare?: (of: Bundle) => void][] = [
  ["/proc"],
  ["/proc/self"],
  ["/proc/self/attr"],
  ["/proc/sys/net"],
  ["/tmp/../proc/self"],
  ["/l/attr", (of) => symlinkSync("/proc/self", join(of.rootfs, "l"))],
  ["/m/sys", (of) => symlinkSync("/proc", join(of.rootfs, "m"))],
];

for (const [destination, prepare] of overProc) {
  needs("guarded /proc")(`CVE-2019-16884: a tmpfs at ${destination} is refused, with the place of the mount`, () => {
    const outcome = runPrepared("echo ran", prepare ?? (() => {}), (config) => {
      config.mounts.push({ destination, type: "tmpfs", source: "tmpfs" });
    });
    expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
    expect(outcome.stderr).toContain("/mounts/5");
  });
}

for (const name of ["cpuinfo", "meminfo", "stat", "uptime", "loadavg", "diskstats", "swaps"]) {
  test(`a bind over /proc/${name} is allowed, lxcfs needs it`, () => {
    const outcome = runPrepared(
      `cat /proc/${name}`,
      (of) => writeFileSync(join(of.dir, "fake"), "fake\n"),
      (config) => {
        config.mounts.push({ destination: `/proc/${name}`, source: "fake", options: ["bind", "ro"] });
      },
    );
    expect(outcome.stdout).toBe("fake\n");
  });
}

// CVE-2024-21626: a descriptor of the host as working directory.
for (const place of ["/proc/self/fd", "/proc/1/fd", "/proc/thread-self/fd"]) {
  test(`CVE-2024-21626: a working directory ${place}/N never is the host's`, () => {
    for (let fd = 3; fd <= 16; fd++) {
      const outcome = run("ls -a ..; ls ../../../..; cat etc/hostname", (config) => {
        config.process.cwd = `${place}/${fd}`;
      });
      expect(outcome.hung).toBe(false);
      expect(outcome.stdout).not.toMatch(/^(boot|work|home|lost\+found)$/m);
    }
  });
}

needs("exec command")(
  "CVE-2024-21626: exec in a working directory that leads to a descriptor never is on the host",
  () => {
    const of = running();
    for (let fd = 3; fd <= 16; fd++) {
      Bun.spawnSync(["ln", "-sfn", `/proc/self/fd/${fd}`, join(of.rootfs, "w")]);
      const outcome = runtime(["exec", "--cwd", "/w", of.id, "sh", "-c", "ls ../../../.."]);
      expect(outcome.stdout).not.toMatch(/^(boot|work|home)$/m);
    }
  },
);

/** The image, not the runtime, fills /dev; and a file is to be masked. */
function runWithOwnDev(script: string, fill: (dev: string) => void): Outcome {
  const own = (config: Config) => {
    withoutDev(config);
    config.mounts.push({ destination: "/dev", source: "dev", options: ["rbind"] });
    config.linux.maskedPaths = ["/etc/secret"];
  };
  const of = bundle(script, own);
  mkdirSync(join(of.dir, "dev"));
  writeFileSync(join(of.rootfs, "etc/secret"), "SECRET");
  fill(join(of.dir, "dev"));
  return runBundle(of, { stdin: "" });
}

const nulls: [name: string, fill: (dev: string) => void][] = [
  ["a symlink into /proc", (dev) => symlinkSync("/proc/sys/kernel/core_pattern", join(dev, "null"))],
  ["a regular file", (dev) => writeFileSync(join(dev, "null"), "FAKE")],
  ["missing", () => {}],
  ["another device", (dev) => Bun.spawnSync(["mknod", join(dev, "null"), "c", "1", "5"])],
];

for (const [name, fill] of nulls) {
  needs("hostile /dev")(`CVE-2025-31133: a mask is not made of a /dev/null that is ${name}`, () => {
    const outcome = runWithOwnDev("cat /etc/secret", fill);
    // Refused, as runc does; or masked with a genuine null of the runtime's own: never anything else.
    if (outcome.code === 0) expect(outcome.stdout).toBe("");
    expect(outcome.stdout + outcome.stderr).not.toMatch(/SECRET|FAKE/);
    expect(outcome.hung).toBe(false);
  });
}

for (const relative of [false, true]) {
  needs("hostile /dev")(
    `CVE-2026-41579: a /dev that is ${relative ? "a relative" : "an absolute"} symlink doesn't touch the host`,
    () => {
      const victim = join(base, `victim-${relative}`);
      mkdirSync(victim);
      writeFileSync(join(victim, "ptmx"), "marker");
      const prepare = (of: Bundle) => replace(of, "dev", relative ? `../../../../../../..${victim}` : victim);
      runPrepared("true", prepare, withoutDev);
      expect(readFileSync(join(victim, "ptmx"), "utf8")).toBe("marker");
      expect(Bun.spawnSync(["ls", "-A", victim]).stdout.toString()).toBe("ptmx\n");
    },
  );
}

needs("root", "hostile /dev")(
  "CVE-2026-88265: a /dev/null that leads to a file isn't made standard input, and the file keeps its owner",
  () => {
    const file = join(base, "hostfile");
    writeFileSync(file, "untouched");
    const prepare = (of: Bundle) => replace(of, "dev/null", "/hostfile");
    runPrepared("echo written", prepare, (config) => {
      withoutDev(config);
      config.process.user = { uid: 1234, gid: 1234 };
      config.mounts.push({ destination: "/hostfile", source: file, options: ["bind"] });
    });
    expect(readFileSync(file, "utf8")).toBe("untouched");
    expect(statSync(file).uid).toBe(0);
  },
);

/** What the image may have in place of /etc/passwd and /etc/group. */
const databases: [name: string, make: (path: string) => void, hangsRunc?: true][] = [
  ["a FIFO", (path) => void Bun.spawnSync(["mkfifo", path]), true],
  ["a directory", (path) => mkdirSync(path)],
  ["a line of 200 kB", (path) => writeFileSync(path, `x:${"y".repeat(200_000)}\n`), true],
  ["a sparse file of 1 GB", (path) => void Bun.spawnSync(["truncate", "-s", "1G", path]), true],
  ["a symlink loop", (path) => symlinkSync("passwd", path), true],
  ["binary", (path) => writeFileSync(path, Buffer.from([0, 255, 58, 10, 58, 58, 10]))],
];

for (const [name, make, stricter] of databases) {
  for (const file of ["passwd", "group"]) {
    const ask = stricter ? needs("hostile passwd") : test;
    ask(`a container with an /etc/${file} that is ${name} starts, or fails in time`, () => {
      const prepare = (of: Bundle) => {
        rmSync(join(of.rootfs, "etc", file));
        make(join(of.rootfs, "etc", file));
      };
      const before = Date.now();
      const outcome = runPrepared("echo $HOME", prepare, (config) => {
        config.process.user = { uid: 4711, gid: 4711 };
      });
      expect(outcome.hung).toBe(false);
      expect(Date.now() - before).toBeLessThan(3000);
      if (outcome.code === 0) expect(outcome.stdout).toBe("/\n");
    });
  }
}

test("CVE-2019-5736: a program that is /proc/self/exe doesn't run the runtime", () => {
  const outcome = run("", (config) => {
    config.process.args = ["/proc/self/exe", "--version"];
  });
  expect(outcome.stdout).not.toMatch(/version|spec:/);
});

test("CVE-2016-9962: the init of a created container holds no directory of the host", () => {
  const of = create("true");
  const fds = Bun.spawnSync(["sh", "-c", `for f in /proc/${state(of.id).pid}/fd/*; do stat -Lc %F $f; done`]);
  expect(fds.stdout.toString()).not.toContain("directory");
});
