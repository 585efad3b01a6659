import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../machine/runtimes.ts";
import { run } from "./run.ts";

/** What the tests need of the checkout; build/runtime-tools when it has been built. */
const parts = ["README.md", "package.json", "tsconfig.json", "bin", "conformance", "native-bindings", "scripts", "src"];
/** What only type checking and linting need. */
const notNeeded = ["@biomejs", "@types", "@typescript", "typescript", "bun-types"];

/**
 * Writes an ext4 file system of the checkout as it is, with what bun test needs of node_modules, and the job: a shell script.
 *
 * @param programs the directory of the validation programs, if the job wants them.
 */
export function writeProjectDisk(file: string, job: string, programs?: string): void {
  mkdirSync(join(repository, "build"), { recursive: true });
  // Beside the checkout's files, because it consists of links to them.
  const root = mkdtempSync(join(repository, "build/vm-disk-"));
  try {
    for (const name of parts) bring(join(repository, name), root);
    const packages = realpathSync(join(repository, "node_modules"));
    mkdirSync(join(root, "node_modules"));
    const needed = readdirSync(packages).filter((name) => !notNeeded.includes(name));
    for (const name of needed) bring(join(packages, name), join(root, "node_modules"));
    mkdirSync(join(root, "build"));
    bring(join(repository, "build/koffi.addon"), join(root, "build"));
    if (programs !== undefined) bring(programs, join(root, "build"));
    writeFileSync(join(root, "job"), job);
    run(["truncate", "--size=2G", file]);
    run(["mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal", "-d", root, file]);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Links where it can: nothing is copied twice. */
function bring(from: string, to: string): void {
  const linked = Bun.spawnSync(["cp", "-al", from, to], { stderr: "ignore" });
  if (linked.exitCode !== 0) run(["cp", "-a", from, to]);
}
