import { run as exec } from "./commands/exec.ts";
import { runCommand } from "./run-command.ts";

/** The command that is sent most often to a container that is there, for health checks, and that makes a process. */
export function main(argv: readonly string[]): void {
  runCommand(argv, { exec });
}
