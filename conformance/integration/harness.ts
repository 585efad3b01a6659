import { afterAll, afterEach, setDefaultTimeout } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Config, type Edit, makeRootfs, usualConfig } from "./bundle.ts";
import { cgroupsPathOf, globalOptions, session } from "./cgroup-location.ts";
import { sweep, waitUntilClean } from "./leftovers.ts";
import { scratchPlace } from "./ordinary-user.ts";
import { type CallOptions, call, callBeside, type Outcome, patience, readOutput, runtimePath } from "./runtime.ts";

export interface Bundle {
  readonly dir: string;
  readonly rootfs: string;
  readonly id: string;
  readonly config: Config;
}

/** `state` of a container, parsed. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly annotations?: Record<string, string>;
}

/** Throws with all that was said, unless the call ended with 0. */
export function succeeded(outcome: Outcome): Outcome {
  if (outcome.code === 0) return outcome;
  const ending = outcome.hung ? "hung" : `ended with ${outcome.code}`;
  throw new Error(`the runtime ${ending}\nstdout: ${outcome.stdout}\nstderr: ${outcome.stderr}`);
}

/** Waits, 5 s at most unless patience is asked for, until the condition holds; says what it waited for otherwise. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + patience * 5000; !holds(); await Bun.sleep(10)) {
    if (Date.now() > deadline) throw new Error(`waited ${patience * 5} s for: ${what}`);
  }
}

/**
 * Everything a test file needs to have real containers, under names and directories that nobody else uses. After each
 * test its containers are deleted by force, and the test fails if a cgroup, mount, process, state entry or temporary
 * file is still there.
 *
 * @example
 * const { prints } = containers("hostname");
 * test("has its own name", () => expect(prints("hostname", (config) => { config.hostname = "a"; })).toBe("a"));
 */
export function containers(area: string) {
  const base = mkdtempSync(join(scratchPlace, `runts-${area}-`));
  const tag = basename(base);
  const [root, tmpdir] = [join(base, "root"), join(base, "tmpdir")];
  const path = process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin";
  const env = { PATH: path, HOME: "/root", TMPDIR: tmpdir, ...session };
  let count = 0;
  let made: string[] = [];
  prepare(base, tmpdir);
  setDefaultTimeout(patience * 30_000); // a hang is found, and told, by the limit of the call

  const argv = (args: readonly string[]) => [runtimePath, ...globalOptions, "--root", root, ...args];
  const scratch = () => join(base, `call-${++count}`);

  /** Calls the runtime with the private --root. */
  const runtime = (args: readonly string[], options: CallOptions = {}): Outcome =>
    call(argv(args), scratch(), { ...options, env: { ...env, ...options.env } });

  /** Calls the runtime and goes on. */
  const beside = (args: readonly string[], more: Record<string, string> = {}) =>
    callBeside(argv(args), scratch(), { ...env, ...more });

  /** Writes a bundle whose config is the usual one, edited, and whose program is `sh -c script`. */
  const bundle = (script: string, edit?: Edit): Bundle => {
    const id = `${tag}-${++count}`;
    const dir = join(base, `bundle-${count}`);
    makeRootfs(join(dir, "rootfs"), join(base, "busybox"));
    const config = usualConfig();
    config.process.args = ["sh", "-c", script];
    config.linux.cgroupsPath = cgroupsPathOf(id);
    edit?.(config);
    writeFileSync(join(dir, "config.json"), JSON.stringify(config));
    made.push(id);
    return { dir, rootfs: join(dir, "rootfs"), id, config };
  };

  const runBundle = (of: Bundle, options?: CallOptions): Outcome =>
    runtime(["run", "--bundle", of.dir, of.id], options);

  /** Runs a script in a container of its own, in the foreground. */
  const run = (script: string, edit?: Edit, options?: CallOptions): Outcome => runBundle(bundle(script, edit), options);

  /** The same, and what it printed, trimmed. Throws unless it ended with 0. */
  const prints = (script: string, edit?: Edit, options?: CallOptions): string =>
    succeeded(run(script, edit, options)).stdout.trim();

  /** Creates, and throws if it doesn't work; `logs` is what the container prints. */
  const create = (script: string, edit?: Edit, flags: readonly string[] = []) => {
    const of = bundle(script, edit);
    const name = scratch();
    succeeded(call(argv(["create", "--bundle", of.dir, ...flags, of.id]), name, { env }));
    return { ...of, logs: () => readOutput(name) };
  };

  /** Creates and starts a container that stays until it is killed. */
  const running = (edit?: Edit) => {
    const of = create("sleep 1000", edit);
    succeeded(runtime(["start", of.id]));
    return of;
  };

  const state = (id: string): State => JSON.parse(succeeded(runtime(["state", id])).stdout) as State;

  afterEach(async () => {
    for (const id of made) if (existsSync(join(root, id))) runtime(["delete", "--force", id]);
    made = [];
    const left = await waitUntilClean({ tag, root, tmpdir });
    if (left.length > 0) await sweep({ tag, root, tmpdir });
    for (const dir of [root, tmpdir]) rmSync(dir, { recursive: true, force: true });
    mkdirSync(tmpdir);
    if (left.length > 0) throw new Error(`left behind:\n${left.join("\n")}`);
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  return { base, root, tag, env, runtime, beside, bundle, runBundle, run, prints, create, running, state };
}

function prepare(base: string, tmpdir: string): void {
  mkdirSync(tmpdir);
  call(["chmod", "755", base], join(base, "chmod"));
  copyFileSync(Bun.which("busybox") ?? "/bin/busybox", join(base, "busybox"));
}
