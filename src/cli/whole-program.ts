import { run as checkpoint } from "./commands/checkpoint.ts";
import { run as completion } from "./commands/completion.ts";
import { run as create } from "./commands/create.ts";
import { run as delete_ } from "./commands/delete.ts";
import { run as events } from "./commands/events.ts";
import { run as exec } from "./commands/exec.ts";
import { run as explain } from "./commands/explain.ts";
import { run as features } from "./commands/features.ts";
import { run as kill } from "./commands/kill.ts";
import { run as list } from "./commands/list.ts";
import { run as pause } from "./commands/pause.ts";
import { run as ps } from "./commands/ps.ts";
import { run as restore } from "./commands/restore.ts";
import { run as resume } from "./commands/resume.ts";
import { run } from "./commands/run.ts";
import { run as spec } from "./commands/spec.ts";
import { run as start } from "./commands/start.ts";
import { run as state } from "./commands/state.ts";
import { run as update } from "./commands/update.ts";
import { run as validate } from "./commands/validate.ts";
import { answerProblem } from "./help.ts";
import { runCommand } from "./run-command.ts";

/** Every command, and the help, which commander writes. */
export function main(argv: readonly string[]): void {
  const commands = {
    checkpoint,
    completion,
    create,
    delete: delete_,
    exec,
    events,
    explain,
    features,
    kill,
    list,
    pause,
    ps,
    restore,
    resume,
    run,
    spec,
    start,
    state,
    update,
    validate,
  };
  runCommand(argv, commands, answerProblem);
}
