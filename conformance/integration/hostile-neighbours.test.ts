/** What runs already, beside a container that is being set up or entered: it watches, and changes paths. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, grant, withoutNamespace } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, prints, runBundle, runtime, running } = containers("neighbours");

const swappers: Bun.Subprocess[] = [];
afterAll(() => {
  for (const swapper of swappers) swapper.kill("SIGKILL");
});

/** Exchanges two paths until it is stopped. */
async function swapping(first: string, second: string): Promise<() => Promise<void>> {
  const script = join(import.meta.dir, "swap-paths.ts");
  const swapper = Bun.spawn([process.execPath, script, first, second], { stdout: "pipe", stderr: "ignore" });
  swappers.push(swapper);
  await swapper.stdout.getReader().read();
  return async () => {
    swapper.kill("SIGKILL");
    await swapper.exited;
  };
}

/** A directory outside the root, with a file that must stay alone. */
function victim(name: string): string {
  const directory = join(base, name);
  mkdirSync(directory);
  writeFileSync(join(directory, "marker"), "");
  return directory;
}

/** `rootfs/vol/a` is a directory, `rootfs/vol/b` a link out of the root. */
function trap(rootfs: string, outside: string): [string, string] {
  const volume = join(rootfs, "vol");
  mkdirSync(join(volume, "a"), { recursive: true });
  symlinkSync(`${"../".repeat(12)}${outside.slice(1)}`, join(volume, "b"));
  return [join(volume, "a"), join(volume, "b")];
}

const ROUNDS = 30;

needs("guarded /proc")(
  "CVE-2021-30465: a mount point that is swapped for a link never becomes another mount's source",
  async () => {
    const outside = victim("outside-mounts");
    const evil = join(base, "evil");
    mkdirSync(evil);
    mkdirSync(join(outside, "m"));
    writeFileSync(join(evil, "evil"), "");
    const of = bundle("ls /leak", (config) => {
      config.mounts.push({ destination: "/vol/a/m", source: evil, options: ["rbind"] });
      config.mounts.push({ destination: "/leak", source: join(outside, "m"), options: ["rbind"] });
    });
    const stop = await swapping(...trap(of.rootfs, outside));
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = runBundle(of);
      expect(outcome.hung).toBe(false);
      expect(outcome.stdout).not.toContain("evil");
    }
    await stop();
    expect(readdirSync(join(outside, "m"))).toEqual([]);
  },
);

needs("guarded /proc")("CVE-2024-45310: mount points are not made outside the root, whatever is swapped", async () => {
  const outside = victim("outside-points");
  const of = bundle("true", (config) => {
    config.mounts.push({ destination: "/vol/a/d1/d2", type: "tmpfs", source: "tmpfs" });
    config.mounts.push({ destination: "/vol/a/f1", source: "/etc/hostname", options: ["bind"] });
  });
  const stop = await swapping(...trap(of.rootfs, outside));
  for (let round = 0; round < ROUNDS; round++) {
    expect(runBundle(of).hung).toBe(false);
    expect(readdirSync(outside)).toEqual(["marker"]);
  }
  await stop();
});

/** Looks at every process, for as long as the container lives; what it finds goes to /seen. */
function watcher(look: string): string {
  return `while :; do for p in /proc/[0-9]*; do ${look}; done; done 2>/dev/null`;
}

const traced = (config: Config) => grant(config, "CAP_SYS_PTRACE");

needs("exec command")("CVE-2016-9962: who is watched while it joins has nothing of the host open", () => {
  // Its standard streams are files of the call's.
  const look = "(ls -l $p/fd; readlink $p/cwd) | grep -E '/run/|state.json|/etc' | grep -v /call- >>/seen";
  const of = create(watcher(look), traced);
  writeFileSync(join(of.rootfs, "seen"), "");
  succeeded(runtime(["start", of.id]));
  for (let round = 0; round < ROUNDS; round++) succeeded(runtime(["exec", of.id, "true"]));
  expect(readFileSync(join(of.rootfs, "seen"), "utf8")).toBe("");
});

needs("exec command")("CVE-2016-9962: without the right to trace, who joins can't be looked at", () => {
  const look = `e=$(readlink $p/exe) && [ "$e" != /bin/busybox ] && echo "$e" >>/seen`;
  const of = create(watcher(look));
  writeFileSync(join(of.rootfs, "seen"), "");
  succeeded(runtime(["start", of.id]));
  for (let round = 0; round < ROUNDS; round++) succeeded(runtime(["exec", of.id, "true"]));
  expect(readFileSync(join(of.rootfs, "seen"), "utf8")).toBe("");
});

needs("exec command")(
  "CVE-2019-5736: what is seen of who joins is never the runtime's own file, nor can it be written to",
  () => {
    const mine = statSync(runtimePath);
    const write = "exec 9<$p/exe && echo x >/proc/self/fd/9 && echo written >>/seen";
    const look = `e=$(readlink $p/exe) && [ "$e" != /bin/busybox ] && { stat -Lc %d:%i $p/exe >>/seen; (${write}); }`;
    const of = create(watcher(look), traced);
    writeFileSync(join(of.rootfs, "seen"), "");
    succeeded(runtime(["start", of.id]));
    for (let round = 0; round < ROUNDS; round++) succeeded(runtime(["exec", of.id, "true"]));
    const seen = readFileSync(join(of.rootfs, "seen"), "utf8");
    expect(seen).not.toContain(`${mine.dev}:${mine.ino}\n`);
    expect(seen).not.toContain("written");
    expect(statSync(runtimePath)).toMatchObject({ ino: mine.ino, size: mine.size, mtimeMs: mine.mtimeMs });
  },
);

needs("ps command")("programs of the image are never run on the host: CVE-2014-3499, CVE-2019-14271", () => {
  const of = bundle("sleep 1000", (config) => {
    config.hooks = { poststop: [{ path: "/bin/true" }] };
  });
  const hit = join(base, "hit");
  for (const name of ["ps", "true", "runc"]) {
    Bun.spawnSync(["rm", "-f", join(of.rootfs, "bin", name)]);
    writeFileSync(join(of.rootfs, "bin", name), `#!/bin/sh\ntouch ${hit} /hit\n`, { mode: 0o755 });
  }
  writeFileSync(join(of.rootfs, "etc/nsswitch.conf"), "passwd: evil\n");
  succeeded(runtime(["create", "--bundle", of.dir, of.id]));
  succeeded(runtime(["start", of.id]));
  succeeded(runtime(["ps", of.id]));
  succeeded(runtime(["list"]));
  succeeded(runtime(["kill", of.id, "KILL"]));
  succeeded(runtime(["delete", "--force", of.id]));
  expect(readdirSync(base)).not.toContain("hit");
  expect(readdirSync(of.rootfs)).not.toContain("hit");
});

test("CVE-2020-15257: in the host's network namespace there is no socket of the runtime's", () => {
  const before = new Set(abstractSockets(readFileSync("/proc/net/unix", "utf8")));
  const seen = prints("cat /proc/net/unix", (config) => {
    withoutNamespace(config, "network");
    config.mounts = config.mounts.filter(({ type }) => type !== "sysfs");
  });
  const added = abstractSockets(seen).filter((name) => !before.has(name));
  expect(added.filter((name) => /runts|runc|notify|console/.test(name))).toEqual([]);
});

function abstractSockets(table: string): string[] {
  return table.split("\n").flatMap((line) => line.split(" ").filter((word) => word.startsWith("@")));
}

needs("exec command")("exec --cgroup leads nowhere but below the container's own cgroup", () => {
  const of = running();
  for (const path of ["..", "../..", `../${of.id}x`, "/../x"]) {
    const outcome = runtime(["exec", "--cgroup", path, of.id, "true"]);
    expect(outcome.code).toBe(255);
    expect(outcome.stderr).toContain("bad sub cgroup path");
  }
});
