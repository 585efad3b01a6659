import { RuntimeFault } from "../../report/fault.ts";
import { writeOut } from "../../report/output.ts";
import { bashCompletion } from "../completion/bash.ts";
import { completedCommands } from "../completion/completed-commands.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { programName } from "../help.ts";
import type { CommandRequest } from "../request.ts";

const shells = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion };

/** Hidden: callers compare the list of commands with runc's. */
export function run(request: CommandRequest): undefined {
  const shell = request.arguments[0]!;
  if (!Object.hasOwn(shells, shell)) {
    throw new RuntimeFault({ what: "no completion for this shell", value: shell, hint: "it is bash, zsh or fish" });
  }
  writeOut(shells[shell as keyof typeof shells](programName(), completedCommands()));
}
