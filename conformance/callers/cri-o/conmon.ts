import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, writeBundle } from "../../machine/bundles.ts";
import { equal, eventually } from "../check.ts";
import { run } from "../command.ts";
import { documented } from "../documented.ts";
import type { Place } from "../place.ts";

/** crio.conf(5), what is used of it here. */
interface CrioRuntime {
  readonly default_runtime: string;
  readonly runtimes: Record<string, { runtime_path: string; runtime_root: string; monitor_path: string }>;
}

/** A pod's container as CRI-O has it: a bundle, and the words with which it calls the runtime and conmon. */
export interface CrioContainer {
  readonly id: string;
  readonly bundle: string;
  /** argv of the runtime, called directly. */
  readonly direct: (...words: string[]) => string[];
  /** Creates the container by conmon, detached. @returns the pid that conmon tells. @throws when it tells an error. */
  readonly create: () => Promise<number>;
  /** Runs a process in it by conmon, as probes do. @returns its exit status and what it wrote. */
  readonly execSync: (process: object) => Promise<{ status: number; log: string }>;
  /** What conmon writes when the container has ended. */
  readonly exitStatus: () => Promise<string>;
}

/** The state directory is the one that the README's configuration names, here below the covered /run. */
export function crioContainer(place: Place, id: string, config: Config): CrioContainer {
  const directory = join(place.scratch, id);
  const bundle = join(directory, "bundle");
  mkdirSync(join(directory, "exits"), { recursive: true });
  writeBundle(bundle, config);
  const { crio } = Bun.TOML.parse(documented("cri-o", place.runtime)) as { crio: { runtime: CrioRuntime } };
  const { runtimes, default_runtime: name } = crio.runtime;
  const { runtime_path: path, runtime_root: root, monitor_path: monitor } = runtimes[name]!;
  const common = ["-c", id, "-n", `k8s_${id}`, "-r", path, "--runtime-arg", `--root=${root}`, "--log-level", "info"];
  common.push("--socket-dir-path", directory, "-u", id, "--syslog");
  return {
    id,
    bundle,
    direct: (...words) => [path, "--root", root, ...words],
    create: async () => {
      const files = ["-b", bundle, "-p", join(directory, "pid"), "-P", join(directory, "conmon.pid")];
      const logs = ["-l", join(directory, "log"), "--exit-dir", join(directory, "exits"), "--persist-dir", directory];
      return (await callConmon(directory, "create", [monitor, ...common, ...files, ...logs])).pid ?? 0;
    },
    execSync: async (process) => {
      const spec = join(directory, "exec.json");
      const [pid, log] = [join(directory, "exec.pid"), join(directory, "exec.log")];
      writeFileSync(spec, JSON.stringify(process));
      // The pid file is there already, empty.
      for (const file of [pid, log]) writeFileSync(file, "");
      const exec = ["-e", "--exec-process-spec", spec, "-p", pid, "-l", log, "-b", bundle, "-T", "30", "--sync"];
      const told = await callConmon(directory, "exec", [monitor, ...common, ...exec]);
      return { status: told.exit_code ?? -1, log: readFileSync(log, "utf8") };
    },
    exitStatus: async () => {
      const file = join(directory, "exits", id);
      await eventually(() => equal(existsSync(file) ? "an exit file" : "none", "an exit file"));
      return readFileSync(file, "utf8");
    },
  };
}

/** What conmon writes to its parent: a pid, or the status of an exec, or why there is none. */
interface Told {
  readonly pid?: number;
  readonly exit_code?: number;
  readonly message?: string;
}

/** Calls conmon with its two descriptors: a byte says that it may start, and a line of JSON comes back. */
async function callConmon(directory: string, name: string, command: readonly string[]): Promise<Told> {
  const [start, sync] = [join(directory, `${name}.start`), join(directory, `${name}.sync`)];
  writeFileSync(start, "0");
  writeFileSync(sync, "");
  // When it waits for an exec, its own status is that process's.
  const { output } = await run(["sh", "-c", '"$@" 3<"$START" 4>>"$SYNC"', "sh", ...command], {
    env: { ...process.env, START: start, SYNC: sync, _OCI_STARTPIPE: "3", _OCI_SYNCPIPE: "4", XDG_RUNTIME_DIR: "" },
    cwd: directory,
  });
  let line = "";
  await eventually(() => {
    line = readFileSync(sync, "utf8").trim();
    if (line === "") throw new Error(`conmon tells nothing: ${output}`);
  });
  const told: Told = JSON.parse(line.split("\n").at(-1)!);
  if (told.message) throw new Error(told.message);
  return told;
}
