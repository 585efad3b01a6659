import { unmapEngineConstants } from "../../native-bindings/engine-constants.ts";
import { run as create } from "./commands/create.ts";
import { run } from "./commands/run.ts";
import { runCommand } from "./run-command.ts";

/** The commands that make a container. */
export function main(argv: readonly string[]): void {
  unmapEngineConstants();
  runCommand(argv, { create, run });
}
