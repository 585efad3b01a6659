/** What the executable carries out before its snapshot is taken: a container's life, and more than one, as its callers make them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CommandLines {
  /** Of a file that has them, as JSON. */
  readonly path: string;
  readonly lines: readonly (readonly string[])[];
}

/**
 * Prepares bundles whose programs are this machine's own, and the command lines.
 *
 * @param executable that writes the bundles' config.
 * @param directory an empty one.
 */
export function prepareRehearsal(executable: string, directory: string): CommandLines {
  const rootfs = join(directory, "rootfs");
  for (const name of [...HOST_DIRECTORIES, "proc", "sys", "dev"]) mkdirSync(join(rootfs, name), { recursive: true });
  const isRoot = process.getuid?.() === 0;
  execFileSync(executable, ["spec", "--bundle", directory, ...(isRoot ? [] : ["--rootless"])], { env: {} });
  const plain = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
  plain.process.terminal = false;
  plain.root.path = rootfs;
  for (const name of HOST_DIRECTORIES) {
    plain.mounts.push({ destination: `/${name}`, type: "none", source: `/${name}`, options: ["rbind", "ro"] });
  }
  const engines = asEnginesWrite(plain);
  const write = (name: string, config: Config, program: string) => {
    const bundle = join(directory, name);
    mkdirSync(bundle, { recursive: true });
    const process = { ...config.process, args: program.split(" ") };
    writeFileSync(join(bundle, "config.json"), JSON.stringify({ ...config, process }));
    return bundle;
  };
  write("plain", plain, SHORT);
  const full = write("full", engines, SHORT);
  // A filter that is compiled already is found; compiling one would load a library, which has no place in the snapshot.
  const filtered = Bun.spawnSync([executable, ...options(directory), "run", "--bundle", full, id], { env: {} });
  if (!isRoot || filtered.exitCode !== 0) {
    engines.linux.seccomp = undefined;
    write("full", engines, SHORT);
  }
  write("full-stays", engines, LONG);
  return writeLines(directory, linesOf(directory));
}

const HOST_DIRECTORIES = ["usr", "bin", "lib", "lib64"];
const SHORT = "/bin/true";
const LONG = "/bin/sleep 60";

// biome-ignore lint/suspicious/noExplicitAny: JSON, changed in a few places.
type Config = any;

/** With what Docker, containerd and Podman ask for beside the default: limits, a filter, a hook, labels. */
function asEnginesWrite(plain: Config): Config {
  const hook = { path: SHORT };
  return {
    ...plain,
    annotations: { "org.example.engine": "rehearsal" },
    hooks: { prestart: [hook], createRuntime: [hook], poststart: [hook], poststop: [hook] },
    process: {
      ...plain.process,
      user: { uid: 0, gid: 0, additionalGids: [0, 10] },
      oomScoreAdj: 0,
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    },
    mounts: [
      ...plain.mounts,
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "size=1m", "mode=1777"] },
    ],
    linux: {
      ...plain.linux,
      sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" },
      resources: {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
          { allow: true, type: "c", major: 136, access: "rwm" },
        ],
        memory: { limit: 134217728 },
        cpu: { shares: 512, quota: 50000, period: 100000 },
        pids: { limit: 100 },
      },
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        syscalls: [
          { names: ["acct", "swapon"], action: "SCMP_ACT_ERRNO", errnoRet: 1 },
          {
            names: ["personality"],
            action: "SCMP_ACT_ERRNO",
            errnoRet: 1,
            args: [{ index: 0, value: 131072, op: "SCMP_CMP_EQ" }],
          },
        ],
      },
    },
  };
}

export function noCommandLines(directory: string): CommandLines {
  return writeLines(directory, []);
}

function writeLines(directory: string, lines: CommandLines["lines"]): CommandLines {
  const path = join(directory, "command-lines.json");
  writeFileSync(path, JSON.stringify(lines));
  return { path, lines };
}

/** Takes away what a rehearsal has left behind that did not come to its end. */
export function endRehearsal(executable: string, directory: string): void {
  Bun.spawnSync([executable, ...options(directory), "delete", "--force", id]);
}

const id = `rehearsal-${process.pid}`;

function options(directory: string): string[] {
  return ["--root", join(directory, "state"), "--log", join(directory, "log"), "--log-format", "json"];
}

function linesOf(directory: string): string[][] {
  const missing = "none";
  return [
    ["run", "--bundle", join(directory, "plain"), id],
    ["run", "--bundle", join(directory, "full"), id],
    ["create", "--bundle", join(directory, "full-stays"), "--pid-file", join(directory, "pid"), id],
    ["state", id],
    ["start", id],
    ["state", id],
    ["exec", "--pid-file", join(directory, "pid"), id, "/bin/true"],
    ["kill", id, "KILL"],
    ["delete", "--force", id],
    ["state", missing],
    ["delete", "--force", missing],
  ].map((line) => [...options(directory), ...line]);
}
