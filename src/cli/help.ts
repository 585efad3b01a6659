/**
 * Help texts and complaints about the command line. commander lays out the lists, from the same table that the parser reads; it
 * parses nothing. The headings are runc's, which scripts look for.
 */
import { Command, type Help, Option } from "commander";
import { callersName } from "../../native-bindings/caller-words.ts";
import { RuntimeFault } from "../report/fault.ts";
import { writeOut } from "../report/output.ts";
import { prose } from "./command-prose.ts";
import { type CommandSpec, commands, globalOptions, helpOption, type OptionSpec } from "./command-table.ts";
import type { Problem } from "./parse-arguments.ts";
import { compatibleRuncVersion, runtsVersion, versionText } from "./version.ts";

const WIDTH = 100;

/** As it was called: it may be installed under runc's name. */
export function programName(): string {
  return /(^|\/)runc$/.test(callersName()) ? "runc" : "runts";
}

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
      throw new RuntimeFault({ what: `${callersName()}: ${problem.message}` });
  }
}

/** The help of a command, or of the program. */
export function helpText(command: string | undefined): string {
  return command === undefined ? programHelp() : commandHelp(command, commands[command]!());
}

function programHelp(): string {
  const program = withOptions(new Command(programName()), globalOptions());
  for (const [name, entry] of Object.entries(commands)) {
    const spec = entry();
    if (!spec.hidden) program.addCommand(new Command(name).summary(spec.summary).helpOption(false));
  }
  program.addCommand(new Command("help").alias("h").summary("show the help of a command"));
  return layOut(program, (help) => [
    ["NAME", inset(`${programName() === "runc" ? "" : "runts, in place of "}runc - Open Container Initiative runtime`)],
    ["USAGE", inset(`${programName()} [global options] command [command options] [arguments...]`)],
    ["VERSION", inset(`${runtsVersion}, compatible with runc ${compatibleRuncVersion}`)],
    ["COMMANDS", items(help, program.commands.map(commandItem))],
    ["GLOBAL OPTIONS", items(help, program.options.map(optionItem))],
  ]);
}

function commandHelp(name: string, spec: CommandSpec): string {
  const command = withOptions(new Command(name), [...spec.options, helpOption]);
  const { description = [], examples = [] } = prose[name] ?? {};
  const usage = `${programName()} ${name} [command options] ${spec.usage}`.trimEnd();
  return layOut(command, (help) => [
    ["NAME", inset(`${programName()} ${name} - ${spec.summary}`)],
    ["USAGE", inset(usage)],
    ["DESCRIPTION", description.map((paragraph) => inset(help.boxWrap(paragraph, WIDTH - 3))).join("\n\n")],
    [
      "EXAMPLES",
      inset(examples.map(([purpose, words]) => `${purpose}:\n\n    ${programName()} ${words}`).join("\n\n")),
    ],
    ["OPTIONS", items(help, command.options.map(optionItem))],
  ]);
}

/** Sections, without those that are empty. */
function layOut(
  command: Command,
  sections: (help: Help) => readonly (readonly [heading: string, text: string])[],
): string {
  const formatHelp = (_: Command, help: Help) =>
    `${sections(help)
      .filter(([, text]) => text.trim() !== "")
      .map(([heading, text]) => `${heading}:\n${text}`)
      .join("\n\n")}\n`;
  return command.configureHelp({ helpWidth: WIDTH - 1, minWidthToWrap: 20, formatHelp }).helpInformation();
}

function withOptions(command: Command, options: readonly OptionSpec[]): Command {
  command.helpOption(false).helpCommand(false);
  for (const option of options) {
    if (option.hidden) continue;
    const short = option.short === undefined ? "" : `, -${option.short}`;
    const value = option.value === undefined ? "" : ` <${option.value}>`;
    command.addOption(new Option(`--${option.name}${short}${value}`, option.help));
  }
  return command;
}

type Item = readonly [term: string, text: string];

function commandItem(command: Command): Item {
  return [[command.name(), ...command.aliases()].join(", "), command.summary()];
}

function optionItem(option: Option): Item {
  return [option.flags.replace(/[<>]/g, ""), option.description];
}

function items(help: Help, list: readonly Item[]): string {
  const width = Math.max(...list.map(([term]) => term.length));
  return inset(list.map(([term, text]) => help.formatItem(term, width, text, help)).join("\n"), 1);
}

/** As deep as runc's help has it. */
function inset(text: string, depth = 3): string {
  return text.replace(/^(?=.)/gm, " ".repeat(depth));
}
