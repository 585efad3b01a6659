/** The table of docs/architecture.md, held against every import of the sources. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..");

interface Import {
  readonly from: string;
  /** A file of the project, or the name of a package. */
  readonly to: string;
  readonly names: readonly string[];
  /** "type" is gone when the code runs; "later" is a require inside a function. */
  readonly when: "type" | "load" | "later";
}

/** The sources that end up in the executable. */
const sources = [...typescript("src"), ...typescript("native-bindings")];

function typescript(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
    join(folder, name),
  );
  return files.filter(
    (name) => name.endsWith(".ts") && !/test\.ts$|\.fixture\.ts$|\.d\.ts$|document-table\.ts$/.test(name),
  );
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const resolve = (path: string) => (path.startsWith(".") ? join(dirname(file), path) : path);
  const found: Import[] = [];
  for (const [, type, clause, path] of text.matchAll(/^(?:import|export) (type )?([^;"]*?) ?from "([^"]+)"/gm)) {
    const names = clause!.replace(/[{}\s]+/g, " ").split(",");
    const listed = names.map((name) => name.trim()).filter((name) => name !== "");
    const onlyTypes = type !== undefined || listed.every((name) => name.startsWith("type "));
    found.push({ from: file, to: resolve(path!), names: listed, when: onlyTypes ? "type" : "load" });
  }
  for (const [, path] of text.matchAll(/^import "([^"]+)"/gm)) {
    found.push({ from: file, to: resolve(path!), names: [], when: "load" });
  }
  for (const [, path] of text.matchAll(/\brequire\("([^"]+)"\)/g)) {
    found.push({ from: file, to: resolve(path!), names: [], when: "later" });
  }
  return found;
}

const all = sources.flatMap(importsOf);

function partOf(file: string): string {
  const [first, second] = file.split("/");
  return first === "src" ? second! : first!;
}

const LOWEST = ["native-bindings", "report"];
const SUBJECTS = ["cgroups", "seccomp", "console", "hooks", "network", "resctrl"];
const MIDDLE = ["bundle", "host", "plan", "program", "state"];

/** What each part may load, and of what more it may use the types: plain data that it is given. */
const allowed: Readonly<Record<string, { readonly load: readonly string[]; readonly types?: readonly string[] }>> = {
  cli: { load: ["lifecycle", "criu", ...MIDDLE, ...SUBJECTS, ...LOWEST] },
  lifecycle: { load: ["criu", ...MIDDLE, ...SUBJECTS, ...LOWEST] },
  bundle: { load: LOWEST, types: ["host"] },
  host: { load: LOWEST, types: ["bundle", "plan"] },
  plan: { load: ["program", ...LOWEST], types: ["bundle"] },
  program: { load: ["native-bindings"] },
  state: { load: ["cgroups", ...LOWEST], types: ["bundle"] },
  cgroups: { load: LOWEST, types: ["bundle", "host"] },
  seccomp: { load: LOWEST, types: ["bundle"] },
  console: { load: LOWEST },
  network: { load: LOWEST },
  resctrl: { load: LOWEST, types: ["bundle"] },
  hooks: { load: ["program", ...LOWEST], types: ["bundle"] },
  criu: { load: ["program", "state", ...LOWEST] },
  report: { load: ["native-bindings", "program"], types: ["bundle", "plan"] },
  "native-bindings": { load: [] },
};

/** Exceptions, each with its reason. */
const exceptions: Readonly<Record<string, string>> = {
  // How a destination is read decides which file of the image is looked at.
  "src/host/mount-facts.ts": "src/plan/mount-destination.ts",
  // A hook is started as a program; starting one knows nothing of containers.
  "src/hooks/hook-process.ts": "src/lifecycle/spawn-program.ts",
  // As above, for criu.
  "src/criu/swrk.ts": "src/lifecycle/spawn-program.ts",
};

test("every part has its line in the table", () => {
  expect([...new Set(sources.map(partOf))].filter((part) => allowed[part] === undefined)).toEqual([]);
});

for (const part of Object.keys(allowed)) {
  test(`${part} imports only what is below it`, () => {
    const { load, types = [] } = allowed[part]!;
    const wrong = all.filter(({ from, to, when }) => {
      if (partOf(from) !== part || !/^(src|native-bindings)\//.test(to) || partOf(to) === part) return false;
      if (exceptions[from] === to) return false;
      return !load.includes(partOf(to)) && !(when === "type" && types.includes(partOf(to)));
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
}

describe("no input, no output:", () => {
  /** Of these modules only the constants. */
  const acting = ["files", "libc", "spawn", "sleep", "unix-socket", "koffi"].map(
    (name) => `native-bindings/${name}.ts`,
  );
  /** What these have beside constants and types that touches nothing. */
  const harmless = ["utf8", "text"];
  /** The files of a pure part whose job it is to read. */
  const readers = [
    "src/bundle/read-document.ts",
    "src/bundle/read-pipe.ts",
    "src/bundle/read-config-text.ts",
    "src/bundle/generate.ts",
  ];

  for (const part of ["bundle", "plan", "program"]) {
    test(part, () => {
      const wrong = all.filter(({ from, to, names, when }) => {
        if (partOf(from) !== part || when === "type" || readers.includes(from)) return false;
        if (/^node:|^bun(:|$)/.test(to)) return true;
        return (
          acting.includes(to) && !names.every((name) => harmless.includes(name) || /^([A-Z0-9_]+|type \w+)$/.test(name))
        );
      });
      expect(wrong.map(({ from, to, names }) => `${from} imports ${names.join(", ")} of ${to}`)).toEqual([]);
    });
  }
});

describe("nothing heavy is loaded by", () => {
  const heavy = /^(node:.*|koffi|zod|ajv|commander)(\/.*)?$/;

  /** Every module that is evaluated with `file`, and who asked for it. */
  function loadedWith(files: readonly string[]): Map<string, string> {
    const found = new Map(files.map((file) => [file, "the command line"]));
    for (const [file] of found) {
      for (const { to, when } of all.filter(({ from }) => from === file)) {
        if (when === "load" && !found.has(to)) found.set(to, file);
      }
    }
    return found;
  }

  /** The parts of the executable for the commands that callers send often: src/cli/main.ts chooses among them. */
  const parts = {
    "create and run": "create-and-run",
    exec: "exec",
    "start, state, kill, pause, resume and delete": "tend",
  } as const;
  for (const [commands, file] of Object.entries(parts)) {
    test(commands, () => {
      const loaded = loadedWith(["src/cli/main.ts", `src/cli/${file}.ts`]);
      expect(loaded.size).toBeGreaterThan(10);
      const wrong = [...loaded].filter(([to]) => heavy.test(to) || to === "native-bindings/koffi.ts");
      expect(wrong.map(([to, from]) => `${from} loads ${to}`)).toEqual([]);
    });
  }

  test("start, state, kill and delete, which need no config and make no program", () => {
    const loaded = [...loadedWith(["src/cli/tend.ts"])];
    // Start reads init's messages, whose layout is the program's.
    const others = loaded.filter(([to]) => to !== "src/program/layout.ts");
    const wrong = others.filter(([to]) => ["bundle", "plan", "program", "seccomp"].includes(partOf(to)));
    expect(wrong.map(([to, from]) => `${from} loads ${to}`)).toEqual([]);
  });
});

/**
 * The process may go on from the memory of another one (docs/architecture.md, "The snapshot"): what the engine says of its process is
 * that one's, and its event loop has descriptors that are not there any more.
 */
describe("nothing asks the engine for", () => {
  const forbidden: [what: string, pattern: RegExp][] = [
    [
      "what belongs to the process",
      /\bprocess\.(?:argv0?|env|pid|ppid|cwd|execPath|title|umask|std(?:in|out|err)|exit|on)\b/,
    ],
    ["programs", /\bBun\.(?:spawn|which|env|argv|main|sleep|file|write)/],
    ["something later", /\b(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
    ["chance, which would repeat itself", /\bMath\.random\b|\bcrypto\.|\brandomUUID\b/],
    ["the time since it started", /\bperformance\.timeOrigin\b|\bprocess\.(?:uptime|hrtime)\b/],
  ];
  const exempt = ["native-bindings/caller-words.ts", "src/bundle/generate.ts"];

  for (const [what, pattern] of forbidden) {
    test(what, () => {
      const found = sources
        .filter((file) => !exempt.includes(file))
        .flatMap((file) =>
          readFileSync(join(ROOT, file), "utf8")
            .replace(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"/g, "")
            .split("\n")
            .filter((line) => pattern.test(line))
            .map((line) => `${file}: ${line.trim()}`),
        );
      expect(found).toEqual([]);
    });
  }
});
