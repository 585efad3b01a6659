/**
 * Compiles the executable with Bun. Run by scripts/build.mjs: bun scripts/compile.ts OUTFILE VERSION COMMIT
 *
 * A module that some other loads by `require("./x.ts")` inside a function is bundled with what it imports, apart from the
 * rest, so that a command pays for its own code only (docs/measurements.md):
 *
 * - the parts that the entry chooses from are wrapped in a function each and stay in its file: a file more costs 0.4 ms;
 * - all others, which are rarely needed, are together in a second file of the executable, evaluated one by one as they are
 *   asked for. The engine reads ahead over all that is embedded, at every start: what is embedded twice is paid for twice.
 *
 * In the source tree the same `require` loads the module in place. Classes exist once in each part: RuntimeFault and
 * SystemError are recognized by name. What must be once is left on globalThis (native-bindings/libc.ts).
 */

import { dirname, join, relative, resolve } from "node:path";
import { type BuildOutput, type BunPlugin, Glob } from "bun";
import { minify } from "terser";
import { SYS } from "../native-bindings/syscall-numbers.ts";
import { constantsSegment } from "./entry/constants-segment.ts";
import { installStub } from "./entry/install-stub.ts";
import { RECORD_ADDRESS, STUB_ADDRESS } from "./entry/layout.ts";

const [outfile, version, commit] = process.argv.slice(2) as [string, string, string];
const root = resolve(import.meta.dir, "..");
const entries = join(root, "build/entries");

/** A module's name among the others: "src/seccomp/notify.ts" → "src-seccomp-notify". */
function nameOf(module: string): string {
  return relative(root, module).replaceAll("/", "-").replace(/\.ts$/, "");
}

/** Every module that is loaded by require somewhere in the sources. */
async function lazyModules(): Promise<string[]> {
  const found = new Set<string>();
  for await (const file of new Glob("{src,native-bindings}/**/*.ts").scan(root)) {
    if (file.endsWith(".test.ts") || file.endsWith("-for-test.ts")) continue;
    const path = join(root, file);
    for (const match of (await Bun.file(path).text()).matchAll(/\brequire\("(\.[^"]+\.ts)"\)/g)) {
      found.add(resolve(dirname(path), match[1]!));
    }
  }
  return [...found].sort();
}

const main = join(root, "src/cli/main.ts");
const parts = ["src/cli/create-and-run.ts", "src/cli/exec.ts", "src/cli/tend.ts"].map((part) => join(root, part));
/** The second file, by its name in the executable. */
const rareFile = "/$bunfs/root/rare.js";

/** Leads `require` of a module, in the parts and the entry, to where it is in the executable. Within the rest it stays. */
const embedded: BunPlugin = {
  name: "a place for each module that is required",
  setup(build) {
    build.onResolve({ filter: /^\/\$bunfs\// }, ({ path }) => ({ path, external: true }));
    build.onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, importer }) => {
      if (kind !== "require-call" || (importer !== main && !isBundlingParts)) return undefined;
      const module = resolve(dirname(importer), path);
      if (parts.includes(module)) return { path: join(entries, `${nameOf(module)}.cjs`) };
      return { path: nameOf(module), namespace: "rare" };
    });
    build.onLoad({ filter: /.*/, namespace: "rare" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(rareFile)}).modules[${JSON.stringify(path)}]();`,
      loader: "js",
    }));
  },
};

/** System call numbers stand where they are used: looking up a name for the first time costs more than the call, often. */
const numbers: BunPlugin = {
  name: "system call numbers in place of their names",
  setup(build) {
    build.onLoad({ filter: /\/(src|native-bindings)\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await Bun.file(path).text()).replace(/\bSYS\.([a-z_0-9]+)\b/g, (_, name) =>
        String(SYS[name as keyof typeof SYS]),
      ),
      loader: "ts",
    }));
  },
};

// The executable begins with this process's own engine.
const constants = constantsSegment(await Bun.file(process.execPath).slice(0, 4096).bytes());

const define = {
  RUNTS_VERSION: JSON.stringify(version),
  RUNTS_COMMIT: JSON.stringify(commit),
  RUNTS_STUB_ADDRESS: String(STUB_ADDRESS),
  RUNTS_RECORD_ADDRESS: String(RECORD_ADDRESS),
  RUNTS_CONSTANTS_ADDRESS: String(constants.address),
  RUNTS_CONSTANTS_BYTES: String(constants.bytes),
};

async function build(options: Parameters<typeof Bun.build>[0]): Promise<BuildOutput> {
  const result = await Bun.build({ ...options, target: "bun", plugins: [embedded, numbers], define });
  if (result.success) return result;
  for (const message of result.logs) console.error(String(message));
  process.exit(1);
}

/**
 * Bundles a part and makes a CommonJS module of it: what it declares is declared when it is first required. Functions that are called
 * from one place go there: every function costs some microseconds when it is first called.
 */
async function wrapPart(part: string): Promise<void> {
  const result = await build({ entrypoints: [part], format: "esm", minify: { syntax: true } });
  const code = (await result.outputs[0]!.text())
    .replace(/^\/\/ @bun.*\n/, "")
    .replaceAll("import.meta.require", "require")
    .replace(/export \{\s*main\s*\};?\s*$/, "module.exports = { main };\n");
  // The names of functions stay: stack traces have them.
  const small = await minify(code, { toplevel: true, compress: { passes: 3 }, ecma: 2020, keep_fnames: true });
  await Bun.write(join(entries, `${nameOf(part)}.cjs`), small.code!);
}

/** The second file: every other module that is required somewhere, by name, evaluated when it is called for. */
async function writeRareModules(): Promise<string> {
  let code = "export const modules = {\n";
  for (const module of await lazyModules()) {
    if (!parts.includes(module)) code += `  "${nameOf(module)}": () => require("${relative(entries, module)}"),\n`;
  }
  const path = join(entries, "rare.ts");
  await Bun.write(path, `${code}};\n`);
  return path;
}

let isBundlingParts = true;
for (const part of parts) await wrapPart(part);
isBundlingParts = false;

await build({
  entrypoints: [main, await writeRareModules()],
  format: "cjs",
  minify: { whitespace: true, syntax: true },
  bytecode: true,
  naming: { entry: "[name].[ext]" },
  compile: {
    outfile,
    // A .env or bunfig.toml in the working directory, which is the bundle, must not change what root runs.
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
    // For where the entry stub could not leave the compiler out: it costs more than it gives in a process of 10 ms.
    jitPolicy: 1000,
  },
});

installStub(outfile);
