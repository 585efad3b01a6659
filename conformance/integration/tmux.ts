import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "./harness.ts";

/** A person at a terminal: a shell in a window of tmux, what is typed into it, and what it shows. */
export interface Person {
  /** Types a line and presses Enter. */
  line(text: string): void;
  /** Types, and presses nothing more. */
  type(text: string): void;
  /** Presses keys by tmux's names: "C-c". */
  press(...keys: string[]): void;
  /** What is on the screen, without blanks at the ends of lines. */
  screen(): string;
  /** Waits until a line of the screen matches. */
  sees(what: RegExp): Promise<void>;
  resize(columns: number, rows: number): void;
  /** Ends the shell and all that runs in the window. */
  leave(): void;
}

/**
 * Opens a window of 80 columns and 24 rows with a shell whose prompt is "host$ ".
 *
 * @param directory for tmux's socket, and where the shell is.
 * @param shell another one than bash.
 */
export function sitDown(directory: string, shell = "env PS1='host$ ' bash --norc --noprofile"): Person {
  const sockets = join(directory, "tmux");
  mkdirSync(sockets, { recursive: true });
  const env = { PATH: process.env.PATH ?? "", TMUX_TMPDIR: sockets, TERM: "xterm", HOME: directory, LC_ALL: "C.UTF-8" };
  const tmux = (...args: string[]): string => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(["tmux", "-f", "/dev/null", ...args], { env, cwd: directory });
    if (exitCode !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  };
  tmux("new-session", "-d", "-x", "80", "-y", "24", shell);
  const screen = () => tmux("capture-pane", "-p").trimEnd();
  return {
    line: (text) => {
      tmux("send-keys", "-l", text);
      tmux("send-keys", "Enter");
    },
    type: (text) => void tmux("send-keys", "-l", text),
    press: (...keys) => void tmux("send-keys", ...keys),
    screen,
    sees: async (what) => {
      const lines = new RegExp(what.source, `${what.flags.replace("m", "")}m`);
      await until(`${what} on the screen`, () => lines.test(screen())).catch((error: Error) => {
        throw new Error(`${error.message}; it shows\n${screen()}`);
      });
    },
    resize: (columns, rows) => void tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`),
    leave: () => void tmux("kill-server"),
  };
}
