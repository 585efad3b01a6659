import { describe, expect, test } from "bun:test";
import { commands } from "../../src/cli/command-table.ts";
import { manual } from "./manual.ts";
import { plain } from "./roff.ts";

const pages = manual("1.2.3", "2026-01-02");

test("there is a page for the program and for each command", () => {
  expect([...pages.keys()].sort()).toEqual(
    ["runts.8", ...Object.keys(commands).map((name) => `runts-${name}.8`)].sort(),
  );
});

test("text is shown as it is: no line becomes a request, no backslash an escape", () => {
  expect(plain(".not a request\n'nor this\na\\b --x")).toBe("\\&.not a request\n\\&'nor this\na\\eb \\-\\-x");
});

const missing = Bun.which("groff") === null ? "groff is not installed" : undefined;

/** The page as text, 100 columns wide; throws what groff complains of. */
function rendered(text: string): string {
  const argv = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=100n", "-rCHECKSTYLE=3"];
  const { stdout, stderr } = Bun.spawnSync(argv, { stdin: Buffer.from(text) });
  if (stderr.length > 0) throw new Error(stderr.toString());
  return stdout.toString();
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? "groff finds no fault with" : `groff (skipped: ${missing})`,
  () => {
    for (const [file, text] of pages) {
      test(file, () => {
        const shown = rendered(text);
        expect(shown).toContain("runts 1.2.3");
        expect(shown).toContain("2026-01-02");
        const spec = commands[file.slice("runts-".length, -2)]?.();
        for (const { name, hidden, help } of spec?.options ?? []) {
          if (hidden) continue;
          expect(shown).toContain(`--${name}`);
          expect(shown.replace(/\s+/g, " ")).toContain(help.slice(1));
        }
      });
    }
  },
);

test.skipIf(Bun.which("man") === null)("man itself shows a page without a warning", () => {
  const { stderr, exitCode } = Bun.spawnSync(["man", "--warnings", "-l", "-"], {
    stdin: Buffer.from(pages.get("runts-run.8")!),
    env: { ...process.env, MANWIDTH: "80", LC_ALL: "C.UTF-8", MANROFFSEQ: "", PAGER: "cat" },
  });
  expect({ stderr: stderr.toString(), exitCode }).toEqual({ stderr: "", exitCode: 0 });
});
