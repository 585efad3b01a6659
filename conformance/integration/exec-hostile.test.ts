/** exec into containers whose processes, or whose image, are after the host. */
import { expect } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { grant } from "./bundle.ts";
import { containers, succeeded, until } from "./harness.ts";
import { call, complaint, type Outcome, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, env, root, running, runtime } = containers("exec-hostile");
const test = needs("exec command");

/**
 * Looks at every process that there is, over and over, in the shell alone: what has a directory of another root than the
 * container's, and what is executed that is not of the image. Each twice, so that a process that ends meanwhile is not told.
 */
const WATCH = `
cd /tmp
mkdir -p held
found() { echo "$1" >>/found; }
while [ ! -e /stop ]; do
  for p in /proc/[0-9]*; do
    for d in $p/root $p/cwd $p/fd/*; do
      if [ -d $d/. ] && ! [ -e $d/mark ] && ! [ -e $d/../mark ] && [ -d $d/. ]; then
        case $d in */cwd) [ -e $p/root/mark ] && continue;; esac
        found "directory $d"
      fi
      [ -e $d/cgroup.procs ] && found "cgroup $d"
    done
    if [ -e $p/exe ] && ! [ $p/exe -ef /bin/busybox ] && command exec 9<$p/exe; then
      : >/seen
      if { echo x >/proc/self/fd/9; } 2>/dev/null; then found "written to $p/exe"; fi
      exec 9<&-
    fi
  done
done`;

for (const capabilities of [["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"], []]) {
  const able = capabilities.length > 0;
  test(`CVE-2016-9962, CVE-2019-5736: a container ${able ? "that may trace" : "without privileges"} finds nothing of the host in what comes to it`, async () => {
    const of = bundle(WATCH, (config) => {
      grant(config, ...capabilities);
    });
    for (const name of ["mark", "tmp/mark", "proc/mark"]) writeFileSync(join(of.rootfs, name), "");
    succeeded(runtime(["create", "--bundle", of.dir, of.id]));
    succeeded(runtime(["start", of.id]));
    for (let i = 0; i < 40; i++) succeeded(runtime(["exec", of.id, "true"]));
    writeFileSync(join(of.rootfs, "stop"), "");
    await until("the watcher to end", () => runtime(["state", of.id]).stdout.includes('"stopped"'));
    expect(Bun.file(join(of.rootfs, "found")).size === 0 ? "" : readFileSync(join(of.rootfs, "found"), "utf8")).toBe(
      "",
    );
  });
}

/** Calls exec with descriptor 9 open on a directory of the host, as a careless caller leaves it. */
function withLeakedDirectory(id: string, ...args: string[]): Outcome {
  const script = 'exec 9</; exec "$@"';
  return call(
    ["sh", "-c", script, "sh", runtimePath, "--root", root, "exec", ...args.slice(0, -1), id, args.at(-1)!],
    join(base, "leak"),
    { env },
  );
}

test("CVE-2024-21626: a descriptor of the caller's leads nowhere", () => {
  const of = running();
  const outcome = withLeakedDirectory(of.id, "/proc/self/fd/9/bin/busybox");
  expect(outcome.code).toBe(255);
  const seen = call(
    ["sh", "-c", 'exec 9</; exec "$@"', "sh", runtimePath, "--root", root, "exec", of.id, "ls", "/proc/self/fd"],
    join(base, "leak"),
    { env },
  );
  expect(succeeded(seen).stdout).toBe("0\n1\n2\n3\n");
});

test("CVE-2024-21626: a working directory that is one of the runtime's descriptors is refused or inside", () => {
  const of = running();
  for (let fd = 3; fd < 16; fd++) {
    for (const path of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../..`, `/w${fd}`]) {
      if (path.startsWith("/w")) symlinkSync(`/proc/self/fd/${fd}`, join(of.rootfs, path.slice(1)));
      const outcome = runtime(["exec", "--cwd", path, of.id, "sh", "-c", "pwd -P; ls -d bin/busybox mark"]);
      expect(outcome.hung).toBe(false);
      if (outcome.code === 255) continue;
      // A pwd of the kernel's that is outside begins with "(unreachable)".
      expect(outcome.stdout).toStartWith("/");
    }
  }
});

test("a program of the caller's choosing is looked up in the container only", () => {
  const of = running();
  const trap = join(base, "trap");
  writeFileSync(trap, "#!/bin/sh\necho host\n", { mode: 0o755 });
  const outcome = runtime(["exec", of.id, trap]);
  expect(outcome).toMatchObject({ code: 255, stdout: "" });
  expect(complaint(outcome)).toContain(`exec: "${trap}": stat ${trap}: no such file or directory`);
});

needs("exec command", "hostile passwd")(
  "CVE-2016-3697: an /etc/passwd that is a FIFO, or a link out of the image, is none",
  () => {
    const of = running();
    const passwd = join(of.rootfs, "etc/passwd");
    Bun.spawnSync(["rm", passwd]);
    Bun.spawnSync(["mkfifo", passwd]);
    expect(succeeded(runtime(["exec", of.id, "sh", "-c", "echo $HOME"])).stdout).toBe("/\n");
    Bun.spawnSync(["rm", passwd]);
    const outside = join(base, "passwd");
    writeFileSync(outside, "root:x:0:0:root:/outside:/bin/sh\n");
    symlinkSync(outside, passwd);
    expect(succeeded(runtime(["exec", of.id, "sh", "-c", "echo $HOME"])).stdout).toBe("/\n");
  },
);

needs("exec command", "start without /proc")("a /proc that is a directory of the image misleads nobody", () => {
  const of = running((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== "/proc");
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  const fake = join(of.rootfs, "proc/self/attr");
  mkdirSync(fake, { recursive: true });
  writeFileSync(join(fake, "exec"), "");
  writeFileSync(join(of.rootfs, "proc/self/oom_score_adj"), "");
  expect(succeeded(runtime(["exec", of.id, "echo", "ran"])).stdout).toBe("ran\n");
  expect(readFileSync(join(of.rootfs, "proc/self/oom_score_adj"), "utf8")).toBe("");
});

test("--preserve-fds passes that many, from 3 on, and no other", () => {
  const of = running();
  const file = join(base, "passed");
  writeFileSync(file, "passed\n");
  const shell = (fds: string, count: string, ...args: string[]): Outcome =>
    call(
      [
        "sh",
        "-c",
        `exec ${fds}; exec "$@"`,
        "sh",
        runtimePath,
        "--root",
        root,
        "exec",
        "--preserve-fds",
        count,
        of.id,
        ...args,
      ],
      join(base, "preserve"),
      { env: { ...env, LISTEN_FDS: "1", LISTEN_PID: "1" } },
    );
  const two = `3<${file} 4<${file} 5<${file}`;
  expect(succeeded(shell(two, "2", "sh", "-c", "cat <&4; ls /proc/self/fd; env | grep LISTEN || true")).stdout).toBe(
    "passed\n0\n1\n2\n3\n4\n5\n",
  );
});

needs("exec command", "stricter than runc")("--preserve-fds of one that the caller did not open is refused", () => {
  const outcome = call(
    [
      "sh",
      "-c",
      'exec 3>&- 4>&-; exec "$@"',
      "sh",
      runtimePath,
      "--root",
      root,
      "exec",
      "--preserve-fds",
      "2",
      running().id,
      "true",
    ],
    join(base, "preserve"),
    { env },
  );
  expect(outcome.code).toBe(255);
  expect(complaint(outcome)).toContain("unable to stat preserved-fd 0 (of 2)");
});

test("a failed exec leaves no process", async () => {
  const of = running();
  copyFileSync(join(of.rootfs, "bin/busybox"), join(of.rootfs, "not-executable"));
  Bun.spawnSync(["chmod", "600", join(of.rootfs, "not-executable")]);
  for (const args of [["/not-executable"], ["/nope"], ["/etc"], ["--", "nope"]]) {
    const outcome = runtime(["exec", of.id, ...args]);
    expect([outcome.code, outcome.hung]).toEqual([args[0] === "--" ? outcome.code : 255, false]);
  }
  const pidFile = join(base, "never");
  expect(runtime(["exec", "--detach", "--pid-file", pidFile, of.id, "/nope"]).code).toBe(255);
  expect(await Bun.file(pidFile).exists()).toBe(false);
  const left = succeeded(runtime(["exec", of.id, "sh", "-c", "ls -d /proc/[0-9]* | wc -l"])).stdout;
  // init, the shell, and what counts.
  expect(Number(left)).toBeLessThanOrEqual(4);
});
