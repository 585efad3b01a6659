/** The completion scripts, in the shells that they are for. */
import { describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containers, succeeded } from "./harness.ts";
import { complaint, runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";
import { sitDown } from "./tmux.ts";

const { base, create, env, root, runtime } = containers("completion");

/** Where the runtime is called `runts`, whatever the file is called. */
symlinkSync(runtimePath, join(base, "runts"));
const path = `${base}:${env.PATH}`;

function script(shell: string): string {
  const file = join(base, `completion.${shell}`);
  writeFileSync(file, succeeded(runtime(["completion", shell])).stdout);
  return file;
}

/** What bash offers for the last of these words. As readline has it, "=" is a word of its own. */
function inBash(...words: string[]): string[] {
  const program = `. ${script("bash")}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runts; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "--norc", "-c", program, "bash", "runts", ...words], {
    env: { ...env, PATH: path },
    cwd: base,
  });
  expect(stderr.toString()).toBe("");
  return offers(stdout.toString());
}

function inFish(...words: string[]): string[] {
  const command = ["runts", ...words].join(" ").replaceAll(" = ", "=");
  const program = `source ${script("fish")}; complete -C '${command}'`;
  const { stdout, stderr } = Bun.spawnSync(["fish", "--no-config", "-c", program], {
    env: { ...env, PATH: path, HOME: base },
    cwd: base,
  });
  expect(stderr.toString()).toBe("");
  return offers(stdout.toString()).map((line) => line.split("\t")[0]!.replace(/^--[a-z-]+=/, ""));
}

function offers(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}

const shells = { bash: inBash, fish: inFish } as const;

for (const [shell, complete] of Object.entries(shells)) {
  describe(shell, () => {
    const define = needs("completions", shell as keyof typeof shells);
    const cases: [name: string, words: string[], expected: string[]][] = [
      ["commands by their first letters", ["st"], ["start", "state"]],
      ["commands after a global option and its value", ["--root", root, "fea"], ["features"]],
      ["commands after an equals sign", ["--root", "=", root, "fea"], ["features"]],
      ["global options", ["--lo"], ["--log", "--log-format"]],
      ["options of a command", ["run", "--no-"], ["--no-new-keyring", "--no-pivot", "--no-subreaper"]],
      ["values of an option", ["list", "--format", ""], ["json", "table"]],
      ["values by an equals sign", ["list", "--format", "=", "t"], ["table"]],
      ["values of a global option", ["--log-format", "j"], ["json"]],
      ["commands for help", ["help", "fea"], ["features"]],
      ["no options after two dashes", ["state", "--", "--"], []],
    ];
    for (const [name, words, expected] of cases) {
      define(name, () => expect(complete(...words).sort()).toEqual(expected));
    }

    define("ids of containers, of the root that was given", () => {
      const ids = [create("true").id, create("true").id].sort();
      expect(complete("--root", root, "delete", "--force", "").sort()).toEqual(ids);
      expect(complete("--root", "=", root, "state", ids[0]!.slice(0, -1)).sort()).toEqual(ids);
    });

    define("signals, after the container", () => {
      const { id } = create("true");
      expect(complete("--root", root, "kill", id, "T").sort()).toEqual(["TERM", "TSTP"]);
    });

    define("directories for a bundle", () => {
      Bun.spawnSync(["mkdir", "-p", join(base, "dirs/bundle-x"), join(base, "dirs/other")]);
      writeFileSync(join(base, "dirs/bundle-file"), "");
      expect(complete("run", "--bundle", `${base}/dirs/b`).map((line) => line.replace(/\/$/, ""))).toEqual([
        `${base}/dirs/bundle-x`,
      ]);
    });

    define("no commands that are hidden", () => expect(complete("compl")).toEqual([]));
  });
}

for (const [shell, start] of [
  ["bash", (file: string) => `. ${file}`],
  ["zsh", (file: string) => `autoload -U compinit && compinit -D && . ${file}`],
] as const) {
  needs(
    "completions",
    "tmux",
    shell,
  )(`${shell}: a person presses the tabulator`, async () => {
    const file = script(shell);
    const { id } = create("true");
    const command = shell === "zsh" ? "env PS1='host$ ' zsh -f" : undefined;
    const person = sitDown(base, command);
    try {
      await person.sees(/^host\$$/);
      person.resize(200, 24);
      person.line(`PATH=${base}:$PATH; ${start(file)}; clear`);
      await person.sees(/^host\$$/);
      person.line(`clear; echo ready`);
      await person.sees(/^ready$/);
      person.press("r", "u", "n", "t", "s", "Space", "v", "a", "l", "Tab");
      await person.sees(/runts validate$/);
      person.press("C-u");
      person.type("runts list --form");
      person.press("Tab");
      await person.sees(/runts list --format[= ]?$/);
      person.press("C-u");
      person.type(`clear; runts --root ${root} state `);
      person.press("Tab");
      await person.sees(new RegExp(`${id}$`));
    } finally {
      person.leave();
    }
  });
}

test.skipIf(!succeeded(runtime(["--version"])).stdout.includes("runts"))("other shells are refused by name", () => {
  expect(complaint(runtime(["completion", "csh"]))).toMatch(/no completion for this shell.*"csh".*bash, zsh or fish/);
});
