/**
 * Compiles the executable with Bun. Run by scripts/build.mjs: bun scripts/compile.ts OUTFILE VERSION COMMIT ARCH [ORDER-FILE]
 *
 * Every module that some other loads by `require("./x.ts")` inside a function becomes a file of its own in the executable,
 * bundled with what it imports; the entry and each of them hold only what their own `import`s name. So a command pays for its
 * own code: bytecode that is merely there costs 1.5 ms at start (docs/measurements.md). In the source tree the same `require`
 * loads the module in place.
 *
 * Classes exist once in each file: RuntimeFault and SystemError are recognized by name.
 */

import { dirname, join, relative, resolve } from "node:path";
import { Glob } from "bun";

const [outfile, version, commit, order] = process.argv.slice(2) as [string, string, string, string | undefined];
const root = resolve(import.meta.dir, "..");
const entries = join(root, "build/entries");

/** The embedded file that a module becomes: "src/seccomp/notify.ts" → "src-seccomp-notify". */
function embeddedName(module: string): string {
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

const lazy = await lazyModules();
const entrypoints = [join(root, "src/cli/main.ts")];
for (const module of lazy) {
  const entry = join(entries, `${embeddedName(module)}.ts`);
  await Bun.write(entry, `export * from ${JSON.stringify(relative(entries, module))};\n`);
  entrypoints.push(entry);
}

const result = await Bun.build({
  entrypoints,
  target: "bun",
  format: "cjs",
  minify: { whitespace: true, syntax: true },
  bytecode: true,
  naming: { entry: "[name].[ext]" },
  define: {
    RUNTS_VERSION: JSON.stringify(version),
    RUNTS_COMMIT: JSON.stringify(commit),
    ...(order === "record" ? { RUNTS_RECORDS: "true" } : {}),
  },
  plugins: [
    {
      name: "a file for each module that is required",
      setup(build) {
        build.onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, importer }) => {
          if (kind !== "require-call") return undefined;
          const name = embeddedName(resolve(dirname(importer), path));
          return { path: `/$bunfs/root/${name}.js`, external: true };
        });
      },
    },
  ],
  compile: {
    outfile,
    // A .env or bunfig.toml in the working directory, which is the bundle, must not change what root runs.
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
    // Compiling costs more than it gives in a process of 10 ms.
    jitPolicy: 1000,
    bytecodeOrder: order === undefined || order === "record" ? undefined : order.split(","),
  },
});
if (!result.success) {
  for (const message of result.logs) console.error(String(message));
  process.exit(1);
}
