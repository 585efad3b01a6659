/** checkpoint and restore with the installed criu, where it works with this kernel; what is said to criu is in checkpoint-protocol.test.ts. */
import { expect } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { O_CLOEXEC } from "../../native-bindings/files.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { type Edit, withoutNamespace } from "./bundle.ts";
import { cgroupOf, globalOptions } from "./cgroup-location.ts";
import { listenForDescriptor } from "./console-socket.ts";
import { type Bundle, containers, succeeded, until } from "./harness.ts";
import { processes } from "./leftovers.ts";
import { complaint, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const test = needs("checkpoint command", "criu");
const byPath = needs("checkpoint command", "criu", "cgroupfs driver");

const { base, beside, bundle, create, env, root, runtime, state, tag } = containers("criu");

/** Counts in a file of the root file system: what goes on after a restore goes on from where it was. */
const counting = "i=100; while :; do i=$((i+1)); echo $i >/tmp/count; usleep 20000; done";

const count = ({ rootfs }: Bundle) => {
  const path = join(rootfs, "tmp/count");
  return existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
};

async function counts(of: Bundle): Promise<number> {
  const before = count(of);
  await until("the program to count on", () => count(of) > before);
  return before;
}

/** Cgroups are left as they are: criu would make some in hierarchies that are not mounted here. */
const ignore = ["--manage-cgroups-mode", "ignore"];

/** A file as the container sees it. */
const inside = (of: Bundle, path: string) => `/proc/${state(of.id).pid}/root${path}`;

const images = (of: Bundle) => join(of.dir, "images");

function checkpoint(of: Bundle, ...flags: string[]) {
  return runtime(["checkpoint", "--image-path", images(of), ...ignore, ...flags, of.id], { limitMs: 20_000 });
}

function restore(of: Bundle, ...flags: string[]) {
  const args = ["restore", "--detach", "--image-path", images(of), ...ignore, "--bundle", of.dir, ...flags, of.id];
  return runtime(args, { limitMs: 20_000 });
}

/** A started container whose streams lead nowhere: files of the host's could not be saved. */
function started(script: string, edit?: Edit): Bundle {
  const of = create(`exec </dev/null >/dev/null 2>&1; ${script}`, edit);
  succeeded(runtime(["start", of.id]));
  return of;
}

async function saveAndRestore(edit?: Edit): Promise<Bundle> {
  const of = started(counting, edit);
  await counts(of);
  const pid = state(of.id).pid;
  succeeded(checkpoint(of));
  expect(complaint(runtime(["state", of.id]))).toContain("container does not exist");
  const before = count(of);
  succeeded(restore(of));
  expect(await counts(of)).toBeGreaterThanOrEqual(before);
  expect(state(of.id).status).toBe("running");
  expect(state(of.id).pid).not.toBe(pid);
  return of;
}

test("a container is saved, is gone, and comes back where it was; then it is a container like others", async () => {
  const of = await saveAndRestore();
  expect(
    succeeded(runtime(["exec", of.id, "sh", "-c", "cat /proc/1/comm; hostname; ls /proc/self/ns"])).stdout,
  ).toStartWith("sh\nbox\n");
  expect(runtime(["list", "--quiet"]).stdout).toBe(`${of.id}\n`);
  expect(complaint(runtime(["start", of.id]))).toContain("cannot start an already running container");
  // Once more: what was restored can be saved.
  succeeded(checkpoint(of));
  succeeded(restore(of));
  await counts(of);
  succeeded(runtime(["kill", of.id, "KILL"]));
  await until("it to be stopped", () => state(of.id).status === "stopped");
  succeeded(runtime(["delete", of.id]));
});

test("its processes are in its cgroup, with its limits", async () => {
  const of = await saveAndRestore((config) => {
    config.linux.resources = { ...config.linux.resources, pids: { limit: 57 } };
  });
  const { pid } = state(of.id);
  const line = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .find((each) => each.includes(":pids:") || each.startsWith("0::"))!;
  expect(line).toEndWith(cgroupOf(of.id));
  expect(runtime(["update", "--pids-limit", "58", of.id]).code).toBe(0);
});

byPath("with --manage-cgroups-mode ignore it may come back in another cgroup", async () => {
  const of = started(counting);
  await counts(of);
  succeeded(checkpoint(of));
  const path = join(of.dir, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.linux.cgroupsPath = `/${of.id}-other`;
  writeFileSync(path, JSON.stringify(config));
  succeeded(restore(of));
  expect(readFileSync(`/proc/${state(of.id).pid}/cgroup`, "utf8")).toContain(`/${of.id}-other\n`);
});

test("nothing is mounted on the host for it, and no file of criu's is left in its directory", async () => {
  const of = await saveAndRestore();
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(tag);
  expect(existsSync(join(base, "root", of.id, "criu-root"))).toBe(false);
});

test("--leave-running and a paused container stay as they are", async () => {
  const of = started(counting);
  await counts(of);
  succeeded(checkpoint(of, "--leave-running"));
  await counts(of);
  succeeded(runtime(["pause", of.id]));
  succeeded(checkpoint(of, "--leave-running"));
  expect(state(of.id).status).toBe("paused");
  succeeded(runtime(["resume", of.id]));
  await counts(of);
});

/** An unnamed pipe: both its ends, for programs that are started. */
function pipe(): { reader: number; writer: number } {
  const ends = new Int32Array(2);
  expect(syscall(SYS.pipe2, addressOf(ends), O_CLOEXEC)).toBe(0);
  return { reader: ends[0]!, writer: ends[1]! };
}

/** Calls the runtime with pipes for streams; `say` sends a line and gives the one that comes back. */
function withPipes(args: readonly string[]) {
  const [input, output] = [pipe(), pipe()];
  const child = Bun.spawnSync([runtimePath, ...globalOptions, "--root", root, ...args], {
    stdin: input.reader,
    stdout: output.writer,
    stderr: output.writer,
    env,
    timeout: 20_000,
  });
  closeSync(input.reader);
  closeSync(output.writer);
  const say = (words: string) => {
    writeSync(input.writer, `${words}\n`);
    const buffer = Buffer.alloc(4096);
    return buffer.toString("utf8", 0, readSync(output.reader, buffer));
  };
  if (child.exitCode !== 0) throw new Error(`ended with ${child.exitCode}: ${say("")}`);
  return { say, close: () => [input.writer, output.reader].forEach((fd) => void closeSync(fd)) };
}

test("pipes are those of who restores", () => {
  const of = bundle('while read line; do echo "got $line $((i=i+1))"; done');
  const first = withPipes(["run", "--detach", "--bundle", of.dir, of.id]);
  expect(first.say("one")).toBe("got one 1\n");
  succeeded(checkpoint(of));
  first.close();
  const args = ["restore", "--detach", "--image-path", images(of), ...ignore, "--bundle", of.dir, of.id];
  const second = withPipes(args);
  expect(second.say("two")).toBe("got two 2\n");
  second.close();
});

test("a pipe between the container's own processes stays theirs", async () => {
  const of = started("sleep 1000 | cat; true");
  const own = () => processes(tag).filter((line) => / (sleep 1000|cat) $/.test(line)).length;
  await until("both to run", () => own() === 2);
  succeeded(checkpoint(of));
  succeeded(restore(of));
  expect(own()).toBe(2);
});

test("in the foreground a restore stays until the end, with the program's status, and deletes the container", async () => {
  const of = started("until [ -e /tmp/go ]; do usleep 20000; done; exit 7");
  succeeded(checkpoint(of));
  const stays = beside(["restore", "--image-path", images(of), ...ignore, "--bundle", of.dir, of.id]);
  await until("it to run", () => existsSync(join(root, of.id, "state.json")) && state(of.id).status === "running");
  writeFileSync(join(of.rootfs, "tmp/go"), "");
  expect((await stays.ended).code).toBe(7);
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("in the foreground signals go on to the restored program", async () => {
  const of = started("trap 'exit 9' TERM; touch /tmp/ready; while :; do usleep 20000; done");
  await until("the trap", () => existsSync(join(of.rootfs, "tmp/ready")));
  succeeded(checkpoint(of));
  const stays = beside(["restore", "--image-path", images(of), ...ignore, "--bundle", of.dir, of.id]);
  await until("it to run", () => existsSync(join(root, of.id, "state.json")) && state(of.id).status === "running");
  process.kill(stays.pid, "SIGTERM");
  expect((await stays.ended).code).toBe(9);
});

test("the pid file has the restored process's pid, and a detached one is nobody's child but the caller's", async () => {
  const of = started(counting);
  succeeded(checkpoint(of));
  const file = join(of.dir, "pid");
  succeeded(restore(of, "--pid-file", file));
  expect(readFileSync(file, "utf8")).toBe(String(state(of.id).pid));
});

test("a terminal's other end goes to the console socket", () => {
  const path = join(base, "console");
  const socket = listenForDescriptor(path);
  const terminal: Edit = (config) => {
    config.process.terminal = true;
  };
  const of = create("while read line; do echo got $line; done", terminal, ["--console-socket", path]);
  const first = socket.receive();
  succeeded(runtime(["start", of.id]));
  succeeded(checkpoint(of));
  closeSync(first.fd);
  succeeded(restore(of, "--console-socket", path));
  const { fd, name, rest } = socket.receive();
  expect([name, rest]).toEqual(["orphan-pts-master", 0]);
  writeSync(fd, "typed\n");
  let shown = "";
  const buffer = Buffer.alloc(4096);
  while (!shown.includes("got typed")) shown += buffer.toString("utf8", 0, readSync(fd, buffer));
  closeSync(fd);
  socket.close();
});

test("a bind mount whose destination is a symbolic link", async () => {
  const source = join(base, "linked");
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "file"), "from outside");
  const of = bundle(`exec </dev/null >/dev/null 2>&1; ${counting}`, (config) => {
    config.mounts.push({ destination: "/conf", source, options: ["bind"] });
  });
  mkdirSync(join(of.rootfs, "real/conf"), { recursive: true });
  symlinkSync("/real/conf", join(of.rootfs, "conf"));
  succeeded(runtime(["run", "--detach", "--bundle", of.dir, of.id]));
  succeeded(checkpoint(of));
  succeeded(restore(of));
  expect(readFileSync(inside(of, "/real/conf/file"), "utf8")).toBe("from outside");
});

test("mount points that are missing are made again, in bind mounts too", async () => {
  const [outer, inner] = [join(base, "outer"), join(base, "inner")];
  for (const dir of [outer, inner]) mkdirSync(dir, { recursive: true });
  writeFileSync(join(base, "single"), "a file\n");
  writeFileSync(join(inner, "here"), "");
  const of = started(counting, (config) => {
    config.mounts.push(
      { destination: "/test", source: outer, options: ["bind", "rw"] },
      { destination: "/test/for/nested", source: inner, options: ["bind", "rw"] },
      { destination: "/etc/deep/file", source: join(base, "single"), options: ["bind", "ro"] },
    );
  });
  succeeded(checkpoint(of));
  for (const made of [join(outer, "for"), join(of.rootfs, "test"), join(of.rootfs, "etc/deep")])
    rmSync(made, { recursive: true });
  succeeded(restore(of));
  expect(readFileSync(inside(of, "/etc/deep/file"), "utf8")).toBe("a file\n");
  expect(readdirSync(inside(of, "/test/for/nested"))).toEqual(["here"]);
});

test("a joined network namespace is joined again", async () => {
  const holder = Bun.spawn(["unshare", "--net", "sleep", "1000"], { stdin: "ignore" });
  try {
    await until(
      "the namespace",
      () => readlinkSync(`/proc/${holder.pid}/ns/net`) !== readlinkSync("/proc/self/ns/net"),
    );
    const path = `/proc/${holder.pid}/ns/net`;
    const of = await saveAndRestore((config) => {
      withoutNamespace(config, "network");
      config.linux.namespaces.push({ type: "network", path });
    });
    expect(readlinkSync(`/proc/${state(of.id).pid}/ns/net`)).toBe(readlinkSync(path));
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
});

test("cgroup mounts, in a cgroup namespace and in none", async () => {
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"] };
  const plain = await saveAndRestore((config) => config.mounts.push(mount));
  expect(readdirSync(inside(plain, "/sys/fs/cgroup"))).not.toBeEmpty();
  const own = await saveAndRestore((config) => {
    config.mounts.push(mount);
    config.linux.namespaces.push({ type: "cgroup" });
  });
  expect(readdirSync(inside(own, "/sys/fs/cgroup"))).not.toBeEmpty();
});

test("createRuntime hooks run once the namespaces are there; one that fails undoes the restore", async () => {
  const told = join(base, "told");
  const hook = { path: "/bin/sh", args: ["sh", "-c", `cat >${told}; exec 2>&1; test ! -e ${told}.fail`] };
  const of = started(counting, (config) => {
    config.hooks = { createRuntime: [hook] };
  });
  succeeded(checkpoint(of));
  rmSync(told);
  succeeded(restore(of));
  expect(JSON.parse(readFileSync(told, "utf8"))).toMatchObject({
    id: of.id,
    status: "creating",
    pid: state(of.id).pid,
  });
  succeeded(checkpoint(of));
  writeFileSync(`${told}.fail`, "");
  const failed = restore(of);
  rmSync(`${told}.fail`);
  expect(failed.code).toBe(1);
  expect(complaint(failed)).toContain("error running createRuntime hook #0: exit status 1");
  expect(existsSync(join(root, of.id))).toBe(false);
});

test("an annotation names criu's configuration file", async () => {
  const configuration = join(base, "criu.conf");
  writeFileSync(configuration, "log-file=other.log\n");
  const of = started(counting, (config) => {
    config.annotations = { "org.criu.config": configuration };
  });
  succeeded(checkpoint(of));
  expect(existsSync(join(images(of), "other.log"))).toBe(true);
  expect(existsSync(join(images(of), "dump.log"))).toBe(false);
  succeeded(restore(of));
});

test("images that are not whole: criu's log is quoted, and nothing is left", () => {
  const of = started(counting);
  succeeded(checkpoint(of));
  rmSync(join(images(of), "core-1.img"));
  const failed = restore(of);
  expect(failed.code).toBe(1);
  expect(complaint(failed)).toMatch(/^criu failed: type RESTORE errno \d+.* \[at .*images\/restore\.log\]/);
  expect(failed.stderr).toContain("--- Quoting");
  expect(failed.stderr).toContain("core-1.img");
});

needs(
  "checkpoint command",
  "criu",
  "dirty memory tracking",
)("--pre-dump and --parent-path", async () => {
  const of = started(counting);
  await counts(of);
  succeeded(runtime(["checkpoint", "--pre-dump", "--image-path", join(of.dir, "first"), of.id]));
  await counts(of);
  succeeded(checkpoint(of, "--parent-path", "../first"));
  expect(existsSync(join(images(of), "parent"))).toBe(true);
  succeeded(restore(of));
  await counts(of);
});
