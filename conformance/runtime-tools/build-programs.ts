import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { go as goIn } from "../machine/go.ts";
import { repository } from "../machine/runtimes.ts";

const module = "github.com/opencontainers/runtime-tools";

export interface Programs {
  /** Where they lie, with runtimetest and the root filesystem that they unpack from their working directory. */
  readonly directory: string;
  /** Sorted. */
  readonly names: readonly string[];
}

/**
 * Builds every program under validation/ of the version of runtime-tools that go.mod pins, and runtimetest, which runs
 * inside the containers and is static therefore. Everything lands in build/runtime-tools; nothing is built twice.
 *
 * @throws when there is no `go`, or the module does not build.
 */
export function buildPrograms(): Programs {
  const directory = join(repository, "build/runtime-tools");
  const source = go(["list", "-m", "-f", "{{.Dir}}", module]) || downloaded();
  const names = readdirSync(join(source, "validation")).filter((name) => name !== "util" && !name.startsWith("."));
  if (!upToDate(directory, names)) {
    console.error(`building ${names.length} programs and runtimetest of ${module}`);
    mkdirSync(directory, { recursive: true });
    const packages = [`${module}/cmd/runtimetest`, ...names.map((name) => `${module}/validation/${name}`)];
    go(["build", "-ldflags=-s -w", "-o", `${directory}/`, ...packages]);
    const rootfs = `rootfs-${go(["env", "GOARCH"])}.tar.gz`;
    if (!existsSync(join(source, rootfs))) throw new Error(`${module} has no ${rootfs}`);
    copyFileSync(join(source, rootfs), join(directory, rootfs));
  }
  return { directory, names: names.sort() };
}

/** The programs in a directory, built before and elsewhere. */
export function builtPrograms(directory: string): Programs {
  const names = readdirSync(directory).filter((name) => name !== "runtimetest" && !name.startsWith("rootfs-"));
  return { directory: resolve(directory), names: names.sort() };
}

function downloaded(): string {
  return JSON.parse(go(["mod", "download", "-json", module])).Dir;
}

function upToDate(directory: string, names: readonly string[]): boolean {
  const pinned = statSync(join(repository, "conformance/runtime-tools/go.sum")).mtimeMs;
  return [...names, "runtimetest"].every((name) => {
    const program = statSync(join(directory, name), { throwIfNoEntry: false });
    return program !== undefined && program.mtimeMs > pinned;
  });
}

function go(args: readonly string[]): string {
  return goIn(join(repository, "conformance/runtime-tools"), args);
}
