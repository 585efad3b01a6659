/**
 * Help texts and complaints about the command line. commander lays out the texts, from the same table that the parser
 * reads; it parses nothing.
 */
import { Command, Option } from "commander";
import { RuntimeFault } from "../report/fault.ts";
import { writeOut } from "../report/output.ts";
import { commands, globalOptions, helpOption, type OptionSpec } from "./command-table.ts";
import type { Problem } from "./parse-arguments.ts";
import { versionText } from "./version.ts";

const programName = "runts";

/**
 * Answers a command line that no command can be carried out for.
 *
 * @returns the exit status for what is an answer (help, version).
 * @throws RuntimeFault for what is a mistake, in runc's words, after printing the help that goes with it.
 */
export function answerProblem(problem: Problem): number {
  switch (problem.kind) {
    case "version":
      writeOut(versionText());
      return 0;
    case "help":
      writeOut(helpText(problem.command));
      return 0;
    case "unknown command":
      // The line feed is part of runc's message.
      throw new RuntimeFault({ what: `No help topic for '${problem.name}'\n`, exitCode: 3 });
    case "bad option": {
      const colon = problem.command === undefined ? "." : ":";
      writeOut(`Incorrect Usage${colon} ${problem.message}\n\n${helpText(problem.command)}`);
      throw new RuntimeFault({ what: problem.message });
    }
    case "argument count":
      writeOut(`Incorrect Usage.\n\n${helpText(problem.command)}`);
      throw new RuntimeFault({ what: `${process.argv0}: ${problem.message}` });
  }
}

/** The help of a command, or of the program. */
export function helpText(command: string | undefined): string {
  return command === undefined ? programHelp() : commandHelp(command);
}

function programHelp(): string {
  const program = describe(new Command(programName), globalOptions())
    .description("Starts and looks after containers: an OCI runtime that takes runc's place.")
    .usage("[global options] command [command options] [arguments...]");
  for (const [name, spec] of Object.entries(commands)) {
    program.addCommand(new Command(name).summary(spec().summary).helpOption(false).usage(spec().usage));
  }
  return program.helpInformation();
}

function commandHelp(name: string): string {
  const spec = commands[name]!();
  return describe(new Command(`${programName} ${name}`), [...spec.options, helpOption])
    .description(spec.summary)
    .usage(spec.options.length === 0 ? spec.usage : `[command options] ${spec.usage}`.trimEnd())
    .helpInformation();
}

function describe(command: Command, options: readonly OptionSpec[]): Command {
  command.helpOption(false).helpCommand(false);
  command.configureHelp({ helpWidth: 100, subcommandTerm: (sub) => sub.name() });
  for (const option of options) {
    if (option.hidden) continue;
    const short = option.short === undefined ? "" : `-${option.short}, `;
    const value = option.value === undefined ? "" : ` <${option.value}>`;
    command.addOption(new Option(`${short}--${option.name}${value}`, option.help));
  }
  return command;
}
