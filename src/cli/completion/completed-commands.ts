/** The command table as completion scripts need it: which words may stand where. */
import { type CommandSpec, commands, globalOptions, helpOption, type OptionSpec } from "../command-table.ts";

/** What may stand in a place: one of these words, or what the shell or the runtime knows. */
export type Words = readonly string[] | "containers" | "directories" | "files" | "anything";

export interface CompletedOption {
  /** As typed: "--bundle", "-b". */
  readonly names: readonly string[];
  readonly help: string;
  /** What may follow; undefined when nothing does. */
  readonly value: Words | undefined;
  /** May be given several times. */
  readonly repeats: boolean;
}

export interface CompletedCommand {
  /** "" for what stands before the command. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What the arguments may be, in their order. */
  readonly arguments: readonly Words[];
  /** Everything after the first argument belongs to a program of its own. */
  readonly stopsAtArgument: boolean;
}

const signals = "HUP INT QUIT USR1 USR2 TERM KILL CONT STOP TSTP WINCH".split(" ");

/** Before the command, then every command that is not hidden, then `help`. */
export function completedCommands(): CompletedCommand[] {
  const names = Object.keys(commands).filter((name) => !commands[name]!().hidden);
  const completed = names.map((name) => completedCommand(name, commands[name]!()));
  const before = { name: "", summary: "", options: globalOptions().filter(isShown).map(completedOption) };
  const help = { name: "help", summary: "show the help of a command", options: [], arguments: [names] };
  return [
    { ...before, arguments: [[...names, "help"]], stopsAtArgument: true },
    ...completed,
    { ...help, stopsAtArgument: false },
  ];
}

function completedCommand(name: string, spec: CommandSpec): CompletedCommand {
  const options = [...spec.options, helpOption].filter(isShown).map(completedOption);
  return {
    name,
    summary: spec.summary,
    options,
    arguments: completedArguments(name, spec),
    stopsAtArgument: spec.stopsAtArgument === true,
  };
}

function isShown(option: OptionSpec): boolean {
  return option.hidden !== true;
}

function completedOption({ name, short, type, value, help }: OptionSpec): CompletedOption {
  const names = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
  return { names, help, value: type === "bool" ? undefined : valueWords(value), repeats: /list$/.test(type) };
}

function valueWords(value = ""): Words {
  if (/^[a-z]+(\|[a-z]+)+$/.test(value)) return value.split("|");
  if (value === "DIR") return "directories";
  return value === "FILE" || value === "SOCKET" ? "files" : "anything";
}

function completedArguments(name: string, { usage, stopsAtArgument }: CommandSpec): Words[] {
  if (usage === "[bundle]") return ["directories"];
  if (!usage.startsWith("<container-id>")) return [];
  if (name === "kill") return ["containers", signals];
  // A new container's name is the caller's to think of.
  if (name === "create" || name === "run" || name === "restore") return ["anything"];
  return stopsAtArgument ? ["containers", "anything"] : ["containers"];
}
