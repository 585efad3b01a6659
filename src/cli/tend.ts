import { run as delete_ } from "./commands/delete.ts";
import { run as kill } from "./commands/kill.ts";
import { run as pause } from "./commands/pause.ts";
import { run as resume } from "./commands/resume.ts";
import { run as start } from "./commands/start.ts";
import { run as state } from "./commands/state.ts";
import { runCommand } from "./run-command.ts";

/** The commands that callers send to a container that is there: short, and sent often. */
export function main(argv: readonly string[]): void {
  runCommand(argv, { delete: delete_, kill, pause, resume, start, state });
}
