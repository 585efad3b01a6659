/** What checkpoint and restore say to criu, and what becomes of its answers: with a criu that is played (fake-criu.ts). */
import { afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { CriuOptions } from "../../src/criu/messages.ts";
import { type Edit, withoutNamespace } from "./bundle.ts";
import { cgroupOf } from "./cgroup-location.ts";
import { listenForDescriptor } from "./console-socket.ts";
import type { Script } from "./fake-criu.ts";
import { type Bundle, containers, succeeded, until } from "./harness.ts";
import { complaint, type Outcome } from "./runtime.ts";

const { base, beside, bundle, create, env, root, running, runtime, state } = containers("fakecriu");

const bin = join(base, "bin");
mkdirSync(bin);
writeFileSync(join(bin, "criu"), `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dir, "fake-criu.ts")} "$@"\n`);
chmodSync(join(bin, "criu"), 0o755);

const script = join(base, "script.json");
const PATH = `${bin}:${env.PATH}`;
const played = { PATH, FAKE_CRIU: script };

interface Said {
  readonly type: number;
  readonly opts: CriuOptions;
  readonly images: string;
  readonly work: string;
  readonly streams: readonly string[];
  readonly own: number;
}

/** Calls the runtime with a criu that plays the script. */
function call(args: readonly string[], as: Script, through: readonly string[] = []): Outcome {
  writeFileSync(script, JSON.stringify(as));
  return runtime(args, { env: played, through });
}

/** The last request with options. */
function said(): Said {
  return JSON.parse(readFileSync(`${script}.said`, "utf8").trim().split("\n").at(-1)!) as Said;
}

afterEach(() => rmSync(`${script}.said`, { force: true }));

const images = (of: Bundle) => join(of.dir, "images");

function checkpoint(of: Bundle, flags: readonly string[] = [], as: Script = {}, through?: readonly string[]): Outcome {
  return call(["checkpoint", "--image-path", images(of), ...flags, of.id], as, through);
}

const RESTORED: Script = {
  notify: [
    { script: "setup-namespaces", pid: "restored" },
    { script: "post-restore", pid: "restored" },
    { script: "post-resume" },
  ],
};

/** A bundle with what a checkpoint leaves. */
function saved(edit?: Edit, descriptors: readonly string[] = ["/dev/null", "/dev/null", "/dev/null"]): Bundle {
  const of = bundle("true", edit);
  mkdirSync(images(of));
  writeFileSync(join(images(of), "descriptors.json"), JSON.stringify(descriptors));
  return of;
}

function restore(of: Bundle, flags: readonly string[] = [], as: Script = RESTORED): Outcome {
  return call(["restore", "--detach", "--image-path", images(of), "--bundle", of.dir, ...flags, of.id], as);
}

test("a dump is asked for with runc's options", () => {
  const of = running();
  const { pid } = state(of.id);
  succeeded(checkpoint(of));
  const { type, opts, streams } = said();
  expect(type).toBe(1);
  expect(opts).toMatchObject({
    pid,
    root: of.rootfs,
    log_level: 4,
    log_file: "dump.log",
    notify_scripts: true,
    orphan_pts_master: true,
    manage_cgroups: true,
    manage_cgroups_mode: 6,
    config_file: "/etc/criu/runc.conf",
    empty_ns: 0x40000000,
    leave_running: false,
    tcp_established: false,
    lazy_pages: false,
  });
  for (const absent of ["ps", "parent_img", "track_mem", "status_fd", "work_dir_fd", "external"] as const) {
    expect(opts[absent]).toBeUndefined();
  }
  expect(streams).toEqual(["/dev/null", "/dev/null", "/dev/null"]);
  expect(opts.freeze_cgroup ?? cgroupOf(of.id)).toEndWith(cgroupOf(of.id));
  expect(statSync(images(of)).mode & 0o777).toBe(0o700);
  // The container has ended, so it is deleted.
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("every option of checkpoint gets to criu", () => {
  const of = running();
  const flags =
    "--leave-running --tcp-established --tcp-skip-in-flight --link-remap --ext-unix-sk --shell-job --file-locks --auto-dedup";
  const values = ["--page-server", "[::1]:1234", "--manage-cgroups-mode", "strict", "--empty-ns", "network"];
  mkdirSync(join(of.dir, "earlier"));
  const parent = ["--parent-path", "../earlier", "--work-path", join(of.dir, "work")];
  succeeded(checkpoint(of, [...flags.split(" "), ...values, ...parent]));
  const { opts, work } = said();
  expect(opts).toMatchObject({
    leave_running: true,
    tcp_established: true,
    tcp_skip_in_flight: true,
    link_remap: true,
    ext_unix_sk: true,
    shell_job: true,
    file_locks: true,
    auto_dedup: true,
    ps: { address: "::1", port: 1234 },
    manage_cgroups_mode: 5,
    parent_img: "../earlier",
    track_mem: true,
  });
  expect(work).toBe(join(of.dir, "work"));
  expect(state(of.id).status).toBe("running");
});

for (const [mode, number] of [
  ["soft", 3],
  ["full", 4],
  ["ignore", 0],
] as const) {
  test(`--manage-cgroups-mode ${mode} is criu's ${number}`, () => {
    succeeded(checkpoint(running(), ["--manage-cgroups-mode", mode]));
    expect(said().opts.manage_cgroups_mode).toBe(number);
  });
}

test("a pre-dump saves memory only, if the kernel can", () => {
  const of = running();
  expect(complaint(checkpoint(of, ["--pre-dump"]))).toContain("criu is missing features: [MemTrack]");
  expect(existsSync(images(of))).toBe(false);
  succeeded(checkpoint(of, ["--pre-dump"], { features: ["mem_track"] }));
  expect(said()).toMatchObject({ type: 4 });
  expect(said().opts.ext_mnt).toBeUndefined();
  expect(readdirSync(images(of))).toEqual(["dump.log"]);
  expect(state(of.id).status).toBe("running");
});

test("mounts from outside have names: where they are in the container", () => {
  const of = create("sleep 1000", (config) => {
    config.mounts.push(
      { destination: "/a//b/../c", source: "/etc", options: ["rbind", "ro"] },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
    );
    config.linux.devices = [{ path: "/dev/other", type: "c", major: 1, minor: 3 }];
  });
  succeeded(runtime(["start", of.id]));
  succeeded(checkpoint(of));
  const found = Object.fromEntries(said().opts.ext_mnt!.map(({ key, val }) => [key, val]));
  expect(found).toMatchObject({ "/a/c": "/a/c", "/dev/null": "/dev/null", "/dev/other": "/dev/other" });
  expect(found).toMatchObject({ "/proc/keys": "/dev/null", "/proc/timer_list": "/dev/null" });
  // A directory that is masked has a file system of its own, and a path that is not there has nothing.
  expect(Object.keys(found)).not.toContain("/sys/firmware");
});

test("a mount point behind a symbolic link has the name that it leads to", () => {
  const of = bundle("sleep 1000", (config) => {
    config.mounts.push({ destination: "/link/x", source: "/etc", options: ["bind"] });
  });
  symlinkSync("/real", join(of.rootfs, "link"));
  mkdirSync(join(of.rootfs, "real"));
  succeeded(runtime(["run", "--detach", "--bundle", of.dir, of.id]));
  succeeded(checkpoint(of));
  expect(said().opts.ext_mnt!.map(({ key }) => key)).toContain("/real/x");
});

test("joined network and pid namespaces are external: by their inodes on dump, as descriptors on restore", async () => {
  const holder = running();
  const { pid } = state(holder.id);
  const joins: Edit = (config) => {
    for (const [type, name] of [
      ["network", "net"],
      ["pid", "pid"],
      ["ipc", "ipc"],
    ] as const) {
      withoutNamespace(config, type);
      config.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${name}` });
    }
  };
  const inode = (name: string) => /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${name}`))![0];
  const of = running(joins);
  succeeded(checkpoint(of));
  expect(said().opts.external).toEqual([`net[${inode("net")}]:extRootNetNS`, `pid[${inode("pid")}]:extRootPidNS`]);
  succeeded(restore(saved(joins)));
  expect(said().opts).toMatchObject({
    inherit_fd: [
      { key: "extRootNetNS", fd: 4 },
      { key: "extRootPidNS", fd: 5 },
    ],
    join_ns: [{ ns: "ipc", ns_file: `/proc/${pid}/ns/ipc` }],
  });
});

test("an old criu that lacks what is needed is told by both versions", () => {
  const of = running();
  expect(complaint(checkpoint(of, [], { version: "2.12.1" }))).toContain("CRIU version 21201 must be 30000 or higher");
  expect(complaint(checkpoint(of, [], { version: "2.12.1" }))).toContain("this one is 2.12.1");
  const joined = running((config) => {
    withoutNamespace(config, "network");
    config.linux.namespaces.push({ type: "network", path: "/proc/self/ns/net" });
  });
  expect(complaint(checkpoint(joined, [], { version: "3.10" }))).toContain(
    "criu lacks support for external net namespace",
  );
  expect(complaint(restore(saved(), ["--lsm-profile", "selinux:x"], { version: "3.15" }))).toContain(
    "--lsm-profile requires at least CRIU 3.16",
  );
});

test("without criu there is a sentence about it, and help there is all the same", () => {
  const of = running();
  const without = { env: { PATH: "/nowhere" } };
  const outcome = runtime(["checkpoint", "--image-path", images(of), of.id], without);
  expect(complaint(outcome)).toContain('exec: "criu": executable file not found in $PATH');
  expect(existsSync(images(of))).toBe(false);
  expect(succeeded(runtime(["checkpoint", "--help"], without)).stdout).toContain("--image-path");
  expect(runtime(["restore", "--lsm-mount-context"]).stderr).toContain("flag needs an argument: -lsm-mount-context");
});

test("a container that does not run can't be saved", async () => {
  const of = create("true");
  expect(complaint(checkpoint(of))).toBe("Container cannot be checkpointed in created state");
  succeeded(runtime(["start", of.id]));
  await until("it to end", () => state(of.id).status === "stopped");
  expect(complaint(checkpoint(of))).toBe("Container cannot be checkpointed in stopped state");
  expect(complaint(call(["checkpoint", "nobody"], {}))).toContain("container does not exist");
});

const refused: [flags: string[], words: string][] = [
  [["--manage-cgroups-mode", "some"], "invalid manage-cgroups-mode value"],
  [["--empty-ns", "pid"], 'namespace "pid" is not supported'],
  [["--parent-path", "/abs"], "--parent-path must be relative"],
  [["--parent-path", "../nowhere"], "invalid --parent-path: stat "],
  [["--page-server", "host"], "Use --page-server ADDRESS:PORT to specify page server"],
  [["--page-server", "host:"], "Use --page-server ADDRESS:PORT to specify page server"],
  [["--page-server", "host:port"], "Invalid port number"],
  [["--page-server", "host:70000"], "Invalid port number"],
];
for (const [flags, words] of refused) {
  test(`${flags.join(" ")} is refused before anything is made`, () => {
    const of = running();
    expect(complaint(checkpoint(of, flags))).toContain(words);
    expect(existsSync(images(of))).toBe(false);
    expect(existsSync(`${script}.said`)).toBe(false);
  });
}

test("a dump that fails: the log is quoted, the container runs on", () => {
  const of = running();
  const outcome = checkpoint(of, [], { errno: 17, notify: [{ script: "pre-dump" }] });
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toStartWith(
    `criu failed: type DUMP errno 17: file exists (EEXIST) [at ${images(of)}/dump.log]`,
  );
  expect(outcome.stderr).toContain(`--- Quoting`);
  expect(outcome.stderr).toContain("1:before");
  expect(outcome.stderr).toContain("2:(0.1) Error (fake): no luck");
  expect(state(of.id).status).toBe("running");
});

test("a criu that ends without a word is told", () => {
  const of = running();
  expect(complaint(checkpoint(of, [], { dies: true }))).toContain("criu failed: type DUMP: exit status 3");
  expect(state(of.id).status).toBe("running");
  expect(complaint(restore(saved(), [], { ...RESTORED, dies: true }))).toContain(
    "criu failed: type RESTORE: exit status 3",
  );
});

test("--status-fd is told once, when the pages are ready, and closed", () => {
  const of = running();
  const told = join(of.dir, "status");
  writeFileSync(told, "");
  const through = ["sh", "-c", `exec 7>>${told}; exec "$@"`, "sh"];
  const flags = ["--lazy-pages", "--status-fd", "7"];
  succeeded(checkpoint(of, flags, { features: ["lazy_pages"], notify: [{ script: "status-ready" }] }, through));
  expect(readFileSync(told)).toEqual(Buffer.alloc(1));
  expect(said().opts).toMatchObject({ lazy_pages: true });
  expect(said().opts.status_fd).toBeUndefined();
});

test("an older criu writes to --status-fd itself", () => {
  const of = running();
  const through = ["sh", "-c", `exec 7>>${join(of.dir, "status")}; exec "$@"`, "sh"];
  succeeded(
    checkpoint(of, ["--lazy-pages", "--status-fd", "7"], { version: "3.14", features: ["lazy_pages"] }, through),
  );
  expect(said().opts.status_fd).toBe(7);
});

test("a --status-fd that nobody opened, or that can't be written, is refused", () => {
  const of = running();
  const flags = ["--lazy-pages", "--status-fd", "7"];
  const as = { features: ["lazy_pages"] };
  expect(complaint(checkpoint(of, flags, as))).toContain("invalid --status-fd argument 7: bad file descriptor");
  const reading = ["sh", "-c", 'exec 7</dev/null; exec "$@"', "sh"];
  expect(complaint(checkpoint(of, flags, as, reading))).toContain("invalid --status-fd argument 7: not writable");
});

test("criu's configuration file is the annotation's, or none when that is empty", () => {
  for (const [value, expected] of [
    ["/x/y.conf", "/x/y.conf"],
    ["", undefined],
  ] as const) {
    const annotated: Edit = (config) => {
      config.annotations = { "org.criu.config": value };
    };
    succeeded(checkpoint(running(annotated)));
    expect(said().opts.config_file).toBe(expected);
    succeeded(restore(saved(annotated)));
    expect(said().opts.config_file).toBe(expected);
  }
});

test("a restore is asked for with runc's options, in the container's cgroup", () => {
  const of = saved(
    (config) => {
      config.mounts.push({ destination: "/inside", source: "/etc", options: ["bind"] });
    },
    ["pipe:[11]", "/dev/null", "pipe:[12]"],
  );
  const flags = [
    "--lsm-profile",
    "selinux:a:b",
    "--lsm-mount-context",
    "c",
    "--tcp-close",
    "--pid-file",
    join(of.dir, "pid"),
  ];
  succeeded(restore(of, flags));
  const { type, opts } = said();
  expect(type).toBe(2);
  expect(opts).toMatchObject({
    root: join(root, of.id, "criu-root"),
    log_file: "restore.log",
    rst_sibling: true,
    evasive_devices: true,
    orphan_pts_master: true,
    tcp_close: true,
    lsm_profile: "selinux:a:b",
    lsm_mount_context: "c",
    inherit_fd: [
      { key: "pipe:[11]", fd: 0 },
      { key: "pipe:[12]", fd: 2 },
    ],
  });
  expect(opts.ext_mnt).toContainEqual({ key: "/inside", val: "/etc" });
  expect(opts.ext_mnt).toContainEqual({ key: "/dev/null", val: "/dev/null" });
  for (const { path } of opts.cg_root!.filter(({ ctrl }) => ctrl === "pids")) expect(path).toBe(`/${of.id}`);
  expect(statSync(join(of.rootfs, "inside")).isDirectory()).toBe(true);
  const { pid, status } = state(of.id);
  expect(status).toBe("running");
  expect(readFileSync(join(of.dir, "pid"), "utf8")).toBe(`${pid}`);
  expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`${cgroupOf(of.id)}\n`);
  expect(existsSync(join(root, of.id, "criu-root"))).toBe(false);
});

test("a restored terminal goes to the console socket", () => {
  const path = join(base, "console");
  const socket = listenForDescriptor(path);
  const of = saved((config) => {
    config.process.terminal = true;
  });
  const notify = [{ script: "orphan-pts-master", fd: true }, ...RESTORED.notify!];
  expect(complaint(restore(of, [], { notify }))).toContain(
    "cannot allocate tty if runc will detach without setting console socket",
  );
  succeeded(restore(of, ["--console-socket", path], { notify }));
  const { fd, name } = socket.receive();
  expect([name, readlinkSync(`/proc/self/fd/${fd}`)]).toEqual(["orphan-pts-master", "/dev/null"]);
  closeSync(fd);
  socket.close();
});

const broken: [what: string, as: Script, words: string][] = [
  ["that criu refuses", { ...RESTORED, errno: 2 }, "criu failed: type RESTORE errno 2"],
  ["that tells of no process", { notify: [] }, "criu did not tell which process it restored"],
  ["whose process is gone", { notify: [{ script: "post-restore" }] }, "the restored process is gone"],
];
for (const [what, as, words] of broken) {
  test(`a restore ${what} leaves nothing`, () => {
    const of = saved();
    const outcome = restore(of, ["--pid-file", join(of.dir, "pid")], as);
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toContain(words);
    expect(existsSync(join(root, of.id))).toBe(false);
    expect(existsSync(join(of.dir, "pid"))).toBe(false);
  });
}

test("a directory without images is no checkpoint", () => {
  const of = bundle("true");
  expect(complaint(restore(of))).toContain(
    `unable to open the directory ${images(of)}: no such file or directory (ENOENT) [at --image-path]`,
  );
  mkdirSync(images(of));
  expect(complaint(restore(of))).toContain(`open ${images(of)}/descriptors.json: no such file or directory`);
  writeFileSync(join(images(of), "descriptors.json"), '{"a": 1}');
  expect(complaint(restore(of))).toContain("not the streams of a checkpoint");
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("an id that is taken stays what it is", () => {
  const of = running();
  mkdirSync(images(of));
  expect(complaint(restore(of))).toContain("container with given ID already exists");
  expect(state(of.id).status).toBe("running");
});

test("a restore that is killed is cleaned up by delete --force", async () => {
  const of = saved();
  writeFileSync(script, JSON.stringify({ hangs: true }));
  const restoring = beside(["restore", "--detach", "--image-path", images(of), "--bundle", of.dir, of.id], played);
  await until("criu to be asked", () => existsSync(`${script}.said`));
  restoring.kill();
  await restoring.ended;
  expect(runtime(["list", "--quiet"]).code).toBe(0);
  succeeded(runtime(["delete", "--force", of.id]));
  await until("criu to be gone", () => !existsSync(`/proc/${said().own}`));
  expect(existsSync(join(of.rootfs, "bin/busybox"))).toBe(true);
});

test("mount points are not made outside of the root file system", () => {
  const of = saved((config) => {
    config.mounts.push({ destination: "/escape/x", source: "/etc", options: ["bind"] });
  });
  const outside = join(base, "outside");
  mkdirSync(outside);
  symlinkSync(outside, join(of.rootfs, "escape"));
  restore(of);
  expect(readdirSync(outside)).toEqual([]);
});
