#!/usr/bin/env node
/**
 * Builds bin/runts: one executable, compiled by Bun.
 *
 *   node scripts/build.mjs [OUTFILE]
 *
 * Also writes the manual, from the same command table, to man/.
 *
 * It begins with a snapshot of the engine (docs/architecture.md), for which it runs a container of this machine's own programs.
 *
 * Installs the npm packages when they are missing. Downloads nothing else.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);

const arch = process.arch === "arm64" ? "arm64" : "x64";
if (!existsSync("node_modules/bun")) {
  console.log("build: installing the npm packages");
  execFileSync("npm", ["install", "--no-save", "--no-fund", "--no-audit"], { stdio: ["ignore", "ignore", "inherit"] });
}

mkdirSync("build", { recursive: true });
copyFileSync(`node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`, "build/koffi.addon");

const bun = "node_modules/.bin/bun";
if (existsSync("src/bundle/generate.ts")) execFileSync(bun, ["src/bundle/generate.ts"], { stdio: "inherit" });

function revision() {
  try {
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return "";
  }
}

/** Of the last change, for the manual's footers: the same source gives the same pages. */
function date() {
  try {
    return execFileSync("git", ["log", "-1", "--format=%cs"], { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return "";
  }
}

const version = JSON.parse(readFileSync("package.json", "utf8")).version;
mkdirSync("build/entries", { recursive: true });

function compile(outfile) {
  // The engine improves bytecode only when it is asked to; that it is compiled beforehand makes the time of it ours to spend.
  const env = { ...process.env, BUN_JSC_useBytecodeOptimizer: "1" };
  execFileSync(bun, ["scripts/compile.ts", outfile, version, revision()], { stdio: "inherit", env });
}

/** Where none can be taken, as where processes may not look at each other's memory, the executable is slower, and otherwise the same. */
function takeSnapshot(path) {
  try {
    execFileSync(bun, ["scripts/snapshot/main.ts", path], { stdio: "inherit" });
  } catch {
    console.log("build: no snapshot could be taken: every command starts some 2 ms later");
  }
}

const outfile = process.argv[2] ?? "bin/runts";
rmSync(outfile, { force: true });
const written = `${outfile}.written`;
compile(written);
takeSnapshot(written);
// Copied in one go: the page cache then holds it in large folios, and it starts 1 ms faster (docs/measurements.md).
writeFileSync(outfile, readFileSync(written), { mode: 0o755 });
rmSync(written);
execFileSync(bun, ["scripts/manual/write.ts", "man", version, date()], { stdio: "inherit" });
console.log(`build: ${outfile} is ready`);
