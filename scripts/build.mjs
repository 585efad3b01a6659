#!/usr/bin/env node
/**
 * Builds bin/runts: one executable, compiled by Bun.
 *
 *   node scripts/build.mjs [OUTFILE]
 *
 * Installs the npm packages when they are missing. Downloads nothing else.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);

const arch = process.arch === "arm64" ? "arm64" : "x64";
if (!existsSync("node_modules/bun")) {
  console.log("build: installing the npm packages");
  execFileSync("npm", ["ci", "--no-fund", "--no-audit"], { stdio: ["ignore", "ignore", "inherit"] });
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

/** Why each switch is there: docs/measurements.md. */
function compile(outfile, ...more) {
  execFileSync(
    bun,
    [
      "build",
      "--compile",
      "--minify-whitespace",
      "--minify-syntax",
      "--bytecode",
      // A .env or bunfig.toml in the working directory, which is the bundle, must not change what root runs.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-tsconfig",
      "--no-compile-autoload-package-json",
      "--compile-jit-policy=1000",
      `--define=RUNTS_VERSION="${JSON.parse(readFileSync("package.json", "utf8")).version}"`,
      `--define=RUNTS_COMMIT="${revision()}"`,
      ...more,
      "src/cli/main.ts",
      `--outfile=${outfile}`,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
}

const outfile = process.argv[2] ?? "bin/runts";
rmSync(outfile, { force: true });
compile(outfile);
chmodSync(outfile, 0o755);
console.log(`build: ${outfile} is ready`);
